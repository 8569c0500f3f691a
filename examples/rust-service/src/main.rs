//! A service that tells its manager everything there is to tell. Try it without one:
//!
//! ```sh
//! readyup trace -- target/debug/rust-service
//! ```
//!
//! and see `rust-service.service` for the unit.

use readyup::{Assignment, FdName, Heartbeat, MessageBuf, Notifier, PassedFds, WatchdogSettings, monotonic_now};
use signal_hook::consts::{SIGHUP, SIGTERM};
use signal_hook::iterator::Signals;
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let mut signals = Signals::new([SIGHUP, SIGTERM])?;
    let notifier = Arc::new(Notifier::from_env()?);
    let greeting = Arc::new(RwLock::new(read_configuration()?));

    // A socket from a socket unit, or the one that an earlier run of this service left in the manager's fd store.
    let name = FdName::new("http")?;
    let (listener, origin) = match PassedFds::take()?.tcp_listener(name.as_str())? {
        Some(listener) => (listener, ", a passed socket"),
        None => {
            let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
            let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
            // Over a restart the manager keeps it open, so that no client is turned away.
            notifier.store_fds(name, &[listener.as_fd()])?;
            (listener, "")
        }
    };
    let address = listener.local_addr()?;

    let hung = Arc::new(AtomicBool::new(false));
    {
        let (greeting, hung) = (Arc::clone(&greeting), Arc::clone(&hung));
        thread::spawn(move || serve(&listener, &greeting, &hung));
    }
    notifier.notify([Assignment::Ready, Assignment::Status(&format!("Serving on {address}{origin}"))])?;
    println!("serving on http://{address}");

    // A heartbeat at half of WatchdogSec=, if the unit has it, for as long as requests are being answered.
    let _heartbeat = match WatchdogSettings::from_env()? {
        Some(settings) => {
            let hung = Arc::clone(&hung);
            Some(Heartbeat::start(Arc::clone(&notifier), settings.interval(), move || !hung.load(Ordering::Relaxed))?)
        }
        None => None,
    };

    for signal in signals.forever() {
        if signal == SIGTERM {
            break;
        }
        let mut message = MessageBuf::reloading(monotonic_now())?;
        message.push(Assignment::Status("Reading the greeting"))?;
        notifier.send(message.as_message()?)?;
        let status = match read_configuration() {
            Ok(new) => {
                let status = format!("The greeting is {new}");
                *greeting.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = new;
                status
            }
            // Also after a failed reload it is over, and the old configuration serves on.
            Err(error) => format!("Reload failed: {}", error.kind()),
        };
        notifier.notify([Assignment::Ready, Assignment::Status(&status)])?;
    }

    notifier.notify([Assignment::Stopping, Assignment::Status("Going down")])?;
    if let Some(barrier) = notifier.barrier()? {
        barrier.wait(Duration::from_secs(1))?;
    }
    Ok(())
}

fn read_configuration() -> std::io::Result<String> {
    match std::env::var_os("GREETING_FILE") {
        Some(file) => Ok(std::fs::read_to_string(file)?.trim().to_owned()),
        None => Ok("hello".to_owned()),
    }
}

/// Answers one request after the other: as little HTTP as a client puts up with.
fn serve(listener: &TcpListener, greeting: &RwLock<String>, hung: &AtomicBool) {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        let mut request = [0; 1024];
        let len = stream.read(&mut request).unwrap_or(0);
        if request[..len].starts_with(b"GET /hang ") {
            // For seeing the watchdog at work.
            hung.store(true, Ordering::Relaxed);
            thread::park();
        }
        let greeting = greeting.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        let len = greeting.len() + 1;
        // A client that is gone is no concern of the others.
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{greeting}\n");
    }
}
