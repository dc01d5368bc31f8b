//! DataForSEO Merchant.
