//! Writing to the journal: what
//! [sd_journal_print(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_journal_print.html) and
//! [sd_journal_send(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_journal_print.html) do in C, over the
//! [Journal Native Protocol](https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).
//!
//! What a service prints goes to its journal line by line. Here an entry is one thing, with as many lines as it has, a
//! priority, and fields to search for.
//!
//! - [`Field`] is a name and a value; [`encode`] spells an entry of them. That is pure, and does no I/O.
//! - [`Journal`] sends entries. It never waits, and one that is too large for a datagram goes as a file in memory.
//!
//! ```
//! use readyup::journal::{Field, Journal, Priority};
//!
//! let journal = Journal::new();
//! journal.print(Priority::Notice, "Serving on :8080")?;
//! journal.send(&[
//!     Field::message("1042 requests\n3 of them failed"),
//!     Field::priority(Priority::Warning),
//!     Field::new("ACME_FAILED", "3")?,
//! ])?;
//! # Ok::<(), readyup::Error>(())
//! ```

mod entry;
mod error;
mod socket;

pub use entry::{FIELD_NAME_MAX, FIELDS_MAX, Field, Priority, encode};
pub use error::{EntryError, EntryProblem};
pub use socket::{Journal, Outcome};
