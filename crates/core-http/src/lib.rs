//! The HTTP kernel.
