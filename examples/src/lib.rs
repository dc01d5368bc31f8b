//! Runnable examples; see the files beside this package.
