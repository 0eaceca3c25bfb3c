//! What can be connected or bound to: addresses, lists of them, names.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};

use pelmeni::net::{TcpListener, TcpStream};
use pelmeni::spawn;

use crate::kitchen::each;

#[test]
fn addresses_that_are_none() {
    each(|runtime| {
        runtime.run(async {
            let none: [SocketAddr; 0] = [];
            assert_eq!(
                TcpStream::connect(&none[..]).await.unwrap_err().kind(),
                ErrorKind::NotFound
            );
            assert!(TcpStream::connect("no port").await.is_err());
            assert!(TcpListener::bind("127.0.0.1:notaport").await.is_err());
            // An address of nobody here.
            assert!(TcpListener::bind("203.0.113.77:0").await.is_err());
        });
    });
}

#[test]
fn names_are_looked_up() {
    each(|runtime| {
        runtime.run(async {
            let listener = TcpListener::bind("localhost:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = spawn(async move {
                for _ in 0..3 {
                    listener.accept().await.unwrap();
                }
            });
            TcpStream::connect(format!("localhost:{port}")).await.unwrap();
            TcpStream::connect(("localhost", port)).await.unwrap();
            TcpStream::connect((String::from("localhost"), port)).await.unwrap();
            server.await.unwrap();
        });
    });
}

#[test]
fn all_that_can_be_an_address() {
    each(|runtime| {
        runtime.run(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = spawn(async move {
                for _ in 0..5 {
                    listener.accept().await.unwrap();
                }
            });
            TcpStream::connect(address).await.unwrap();
            TcpStream::connect(&address).await.unwrap();
            TcpStream::connect((address.ip(), address.port())).await.unwrap();
            TcpStream::connect(("127.0.0.1", address.port())).await.unwrap();
            TcpStream::connect(address.to_string().as_str()).await.unwrap();
            server.await.unwrap();
        });
    });
}
