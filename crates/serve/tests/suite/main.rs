//! What a client of the server can see, with and without a socket.

#![allow(clippy::unwrap_used)]

mod access;
mod bombs;
mod desk;
mod hooks;
mod hostile;
mod house;
mod insights;
mod items;
mod jobs;
mod labels;
mod load;
mod markup;
mod pages;
mod personal;
mod predict;
mod reports;
mod server;
mod sessions;
mod tls;
