//! What a client of the server can see, with and without a socket.

#![allow(clippy::unwrap_used)]

mod access;
mod hostile;
mod house;
mod load;
mod pages;
mod predict;
mod reports;
mod server;
mod sessions;
mod tls;
