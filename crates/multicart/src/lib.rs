//! MultiCartAPI.
