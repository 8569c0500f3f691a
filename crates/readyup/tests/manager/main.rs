//! The manager's side, against hand-made datagrams.

#[path = "../support/mod.rs"]
mod support;

mod believing;
mod listener;
mod rules;
mod testing;
