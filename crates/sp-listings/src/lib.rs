//! Amazon SP-API Listings Items.
