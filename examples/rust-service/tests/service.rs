//! The service, run as its manager would run it. No systemd is needed: `cargo test` is enough.

use readyup::manager::service::{ActiveState, Config, Exit, ServiceResult, ServiceType};
use readyup::testing::TestService;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

/// Starts it with what its unit file says, and waits until it is ready.
fn start(greeting: &Path) -> TestService {
    let mut config = Config::new(ServiceType::NotifyReload);
    config.watchdog = Some(Duration::from_secs(1));
    config.fd_store_max = 4;
    let mut command = Command::new(env!("CARGO_BIN_EXE_rust-service"));
    // Any port that is free.
    command.env("PORT", "0").env("GREETING_FILE", greeting).stdout(Stdio::null());
    let service = TestService::start(command, config);
    service.ready(SOON);
    service
}

/// A connection to where the service says that it serves.
fn connect(service: &TestService) -> TcpStream {
    let life = service.life();
    let address = life.status_text().and_then(|text| text.strip_prefix("Serving on ")).expect("an address");
    let stream = TcpStream::connect(address).expect("a connection: READY=1 must not come before listen()");
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
}

fn get(mut stream: TcpStream) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn ok_from_start_to_stop() {
    let greeting = Path::new(env!("CARGO_TARGET_TMPDIR")).join("from-start-to-stop");
    fs::write(&greeting, "good morning").unwrap();
    let service = start(&greeting);
    assert!(get(connect(&service)).ends_with("\r\n\r\ngood morning\n"));
    // Its socket is kept over a restart.
    assert_eq!(service.life().stored_fds()[0].name, "http");
    service.expect_pings(2, SOON);

    fs::write(&greeting, "good day").unwrap();
    service.reload(SOON);
    assert_eq!(service.life().status_text(), Some("The greeting is good day"));

    // A reload that fails is over, too, and the service stays up.
    fs::remove_file(&greeting).unwrap();
    service.reload(SOON);
    assert_eq!(service.life().status_text(), Some("Reload failed: entity not found"));
    assert_eq!(service.life().active_state(), ActiveState::Active);

    let stopped = service.stop(SOON);
    assert_eq!((stopped.exit, stopped.result), (Some(Exit::Code(0)), ServiceResult::Success));
    assert!(stopped.said_stopping);
    // The most common mistakes are those that a manager says nothing about.
    assert!(service.ignored().is_empty(), "{service}");
}

#[test]
fn ok_a_hang_is_noticed() {
    let greeting = Path::new(env!("CARGO_TARGET_TMPDIR")).join("a-hang-is-noticed");
    fs::write(&greeting, "hello").unwrap();
    let service = start(&greeting);
    fs::remove_file(&greeting).unwrap();
    service.expect_pings(1, SOON);
    let mut stream = connect(&service);
    stream.write_all(b"GET /hang HTTP/1.1\r\n\r\n").unwrap();
    // The heartbeat is tied to what the service is for, so that it stops, and the watchdog ends the service.
    service.expect_stall(SOON);
    assert_eq!(service.expect_end(SOON).result, ServiceResult::Watchdog);
}
