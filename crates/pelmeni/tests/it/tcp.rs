//! TCP as a program uses it: echo, many connections, ends, errors, names.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use pelmeni::net::{TcpListener, TcpStream};
use pelmeni::{gather_iter, spawn, timeout, yield_now};

use crate::kitchen::{AGES, Count, each};

/// A connection, both ends.
pub(crate) async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (one, other) =
        futures::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (one.unwrap(), other.unwrap().0)
}

/// Sends back what comes, until the peer ends.
pub(crate) async fn echo(mut stream: TcpStream) -> usize {
    let mut bytes = [0; 1024];
    let mut echoed = 0;
    loop {
        match stream.read(&mut bytes).await.unwrap() {
            0 => return echoed,
            read => {
                stream.write_all(&bytes[..read]).await.unwrap();
                echoed += read;
            }
        }
    }
}

#[test]
fn echo_to_one() {
    each(|runtime| {
        let echoed = runtime.run(async {
            let (mut client, server) = pair().await;
            client.set_nodelay(true).unwrap();
            let server = spawn(echo(server));
            for i in 0..200_u32 {
                client.write_all(&i.to_le_bytes()).await.unwrap();
                let mut answer = [0; 4];
                client.read_exact(&mut answer).await.unwrap();
                assert_eq!(u32::from_le_bytes(answer), i);
            }
            client.shutdown(Shutdown::Write).unwrap();
            server.await.unwrap()
        });
        assert_eq!(echoed, 800);
    });
}

/// They are part of every task that reads or writes, and each line of the cache that they take is one more to fetch.
#[test]
fn futures_are_as_large_as_what_they_are_given() {
    each(|runtime| {
        runtime.run(async {
            let (mut stream, _peer) = pair().await;
            let given = size_of::<(&TcpStream, &[u8])>();
            let mut buf = [0; 4];
            assert_eq!(size_of_val(&stream.read(&mut buf)), given);
            assert_eq!(size_of_val(&stream.read_exact(&mut buf)), given);
            assert_eq!(size_of_val(&stream.write(&buf)), given);
            assert_eq!(size_of_val(&stream.write_all(&buf)), given);
        });
    });
}

#[test]
fn echo_to_many() {
    each(|runtime| {
        runtime.run(async {
            const CLIENTS: u32 = 100;
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = spawn(async move {
                let mut served = Vec::new();
                for _ in 0..CLIENTS {
                    let (stream, peer) = listener.accept().await.unwrap();
                    assert_eq!(stream.peer_addr().unwrap(), peer);
                    served.push(spawn(echo(stream)));
                }
                let mut echoed = 0;
                for one in served {
                    echoed += one.await.unwrap();
                }
                echoed
            });
            // Each checks that what comes back is its own.
            gather_iter((0..CLIENTS).map(|client| async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                for i in 0..20_u32 {
                    let nonce = (client * 1000 + i).to_le_bytes();
                    stream.write_all(&nonce).await.unwrap();
                    let mut answer = [0; 4];
                    stream.read_exact(&mut answer).await.unwrap();
                    assert_eq!(answer, nonce);
                }
            }))
            .await;
            assert_eq!(server.await.unwrap(), CLIENTS as usize * 80);
        });
    });
}

// regress: Go#59545, mio#1760
#[test]
fn descriptors_that_are_used_again_hear_nothing_of_those_before() {
    each(|runtime| {
        runtime.run(async {
            gather_iter((0..8_u32).map(|cook| async move {
                for round in 0..60_u32 {
                    let (mut one, mut other) = pair().await;
                    let nonce = (cook * 1000 + round).to_le_bytes();
                    let mut heard = [0; 4];
                    // Some are closed while a task waits on them, some with bytes unread.
                    if round % 3 == 0 {
                        let waits = spawn(async move {
                            let mut byte = [0];
                            other.read(&mut byte).await
                        });
                        yield_now().await;
                        drop(one);
                        assert_eq!(waits.await.unwrap().unwrap(), 0);
                        continue;
                    }
                    one.write_all(&nonce).await.unwrap();
                    if round % 3 == 1 {
                        continue;
                    }
                    other.read_exact(&mut heard).await.unwrap();
                    assert_eq!(heard, nonce);
                }
            }))
            .await;
        });
    });
}

#[test]
fn half_of_a_connection_closes() {
    each(|runtime| {
        runtime.run(async {
            let (mut one, mut other) = pair().await;
            one.write_all(b"question").await.unwrap();
            one.shutdown(Shutdown::Write).unwrap();
            let mut question = Vec::new();
            let mut bytes = [0; 3];
            loop {
                match other.read(&mut bytes).await.unwrap() {
                    0 => break,
                    read => question.extend_from_slice(&bytes[..read]),
                }
            }
            assert_eq!(question, b"question");
            // The other direction is as open as before.
            other.write_all(b"answer").await.unwrap();
            let mut answer = [0; 6];
            one.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"answer");
            drop(other);
            assert_eq!(one.read(&mut bytes).await.unwrap(), 0);
            assert_eq!(one.read(&mut bytes).await.unwrap(), 0, "the end stays the end");
            let early = one.read_exact(&mut bytes).await.unwrap_err();
            assert_eq!(early.kind(), ErrorKind::UnexpectedEof);
        });
    });
}

#[test]
fn nothing_to_read_into_is_read_at_once() {
    // regress: tokio#8251
    each(|runtime| {
        runtime.run(async {
            let (mut one, mut other) = pair().await;
            other.write_all(b"x").await.unwrap();
            let mut byte = [0];
            one.read_exact(&mut byte).await.unwrap();
            one.read_exact(&mut []).await.unwrap();
            one.write_all(&[]).await.unwrap();
            assert_eq!(&byte, b"x");
        });
    });
}

#[test]
fn a_connection_that_is_refused() {
    each(|runtime| {
        runtime.run(async {
            // A port that was free a moment ago.
            let address = {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                listener.local_addr().unwrap()
            };
            for _ in 0..5 {
                let error = TcpStream::connect(address).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            }
            // The next address of the list is tried.
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let list = [address, listener.local_addr().unwrap()];
            let stream = TcpStream::connect(&list[..]).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), list[1]);
        });
    });
}

#[test]
fn a_listener_that_is_dropped_is_gone() {
    each(|runtime| {
        runtime.run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            // Dropped while a task waits for a connection.
            let waits = crate::kitchen::event();
            let server =
                spawn(crate::kitchen::telling(
                    waits.clone(),
                    async move { listener.accept().await },
                ));
            waits.wait().await;
            server.abort();
            assert!(server.await.unwrap_err().is_cancelled());
            let refused = TcpStream::connect(address).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            // The port can be had again at once.
            drop(TcpListener::bind(address).await.unwrap());
        });
    });
}

#[test]
fn peers_of_the_standard_library() {
    each(|runtime| {
        runtime.run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let peer = thread::spawn(move || {
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                stream.write_all(b"from std").unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                answer
            });
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 8];
            stream.read_exact(&mut bytes).await.unwrap();
            assert_eq!(&bytes, b"from std");
            stream.write_all(b"to std").await.unwrap();
            drop(stream);
            assert_eq!(peer.join().unwrap(), "to std");
        });
    });
}

// regress: tokio#7166
#[test]
fn sockets_of_the_standard_library_are_made_not_to_block() {
    each(|runtime| {
        runtime.run(async {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let stream = std::net::TcpStream::connect(address).unwrap();
            let listener = TcpListener::from_std(listener).unwrap();
            let mut one = TcpStream::from_std(stream).unwrap();
            let (mut other, _) = listener.accept().await.unwrap();
            assert!(timeout(Duration::from_millis(2), listener.accept()).await.is_err());
            let mut byte = [0];
            assert!(timeout(Duration::from_millis(2), one.read(&mut byte)).await.is_err());
            other.write_all(b"x").await.unwrap();
            one.read_exact(&mut byte).await.unwrap();
        });
    });
}

#[test]
fn more_bytes_than_the_system_takes_at_once() {
    each(|runtime| {
        runtime.run(async {
            let (mut one, mut other) = pair().await;
            let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| (i * 7 % 251) as u8).collect();
            let sent = bytes.clone();
            let writer = spawn(async move {
                one.write_all(&sent).await.unwrap();
                drop(one);
            });
            let mut heard = Vec::new();
            let mut part = vec![0; 10_007];
            loop {
                match other.read(&mut part).await.unwrap() {
                    0 => break,
                    read => heard.extend_from_slice(&part[..read]),
                }
            }
            writer.await.unwrap();
            assert!(heard == bytes);
        });
    });
}

#[test]
fn a_peer_that_goes_away_while_we_write() {
    // regress: tokio#3756
    each(|runtime| {
        runtime.run(async {
            let (mut one, other) = pair().await;
            let full = crate::kitchen::event();
            let writer = spawn(crate::kitchen::telling(full.clone(), async move {
                let bytes = vec![0; 1 << 16];
                loop {
                    if let Err(error) = one.write_all(&bytes).await {
                        return error;
                    }
                }
            }));
            full.wait().await; // it waits for room
            drop(other);
            let error = writer.await.unwrap();
            assert!(
                matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
                "{error}"
            );
        });
    });
}

#[test]
fn a_connect_that_is_given_up() {
    each(|runtime| {
        runtime.run(async {
            // Nobody answers there; or the machine says at once that there is no way.
            for _ in 0..3 {
                let attempt = TcpStream::connect("192.0.2.1:9");
                assert!(!matches!(timeout(Duration::from_millis(5), attempt).await, Ok(Ok(_))));
            }
            let (mut one, mut other) = pair().await;
            one.write_all(b"x").await.unwrap();
            let mut byte = [0];
            timeout(AGES, other.read_exact(&mut byte)).await.unwrap().unwrap();
        });
    });
}

#[test]
fn connections_of_one_runtime_used_in_another() {
    each(|runtime| {
        let (mut one, mut other) = runtime.run(pair());
        let visitor = pelmeni::Builder::new().threads(2).build().unwrap();
        let (go, heard) = (crate::kitchen::event(), Count::new());
        thread::scope(|scope| {
            let (start, count) = (go.clone(), heard.clone());
            // Its events still come from the runtime that it was made in, which must run for that.
            scope.spawn(|| {
                visitor.run(async move {
                    start.set();
                    let mut byte = [0];
                    one.read_exact(&mut byte).await.unwrap();
                    assert_eq!(byte, [7]);
                    count.add();
                });
            });
            runtime.run(async {
                go.wait().await;
                other.write_all(&[7]).await.unwrap();
                while heard.get() == 0 {
                    pelmeni::sleep(Duration::from_micros(200)).await;
                }
            });
        });
        assert!(visitor.close().is_clean());
    });
}
