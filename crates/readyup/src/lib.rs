//! readyup
