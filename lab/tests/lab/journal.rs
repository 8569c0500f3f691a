//! Entries in a real journal.

use std::sync::Arc;

use libtest_mimic::Trial;
use readyup_lab::{Lab, Manager};

use crate::built;
use crate::site::Site;

const LARGE: usize = 1 << 20;

pub(crate) fn trials(site: &Arc<Site>) -> Vec<Trial> {
    vec![
        site.trial("journal_has_entries_of_rust", journal_has_entries_of_rust),
        site.trial("journal_has_entries_of_node", journal_has_entries_of_node),
    ]
}

fn journal_has_entries_of_rust(lab: &Lab) {
    let log = |fields: &[&str], input: &[u8]| {
        let words = ["lab-probe", "log"].iter().chain(fields).copied();
        assert_eq!(lab.command(words).stdin(input).run().ok(), "sent\n");
    };
    log(&["LAB_ENTRY", "rust-line", "MESSAGE", "one = \"line\"", "PRIORITY", "3"], b"");
    log(
        &["LAB_ENTRY", "rust-lines", "MESSAGE", "two\nPRIORITY=0", "PRIORITY", "6", "LAB_MORE", "b", "LAB_MORE", "a"],
        b"",
    );
    log(&["LAB_ENTRY", "rust-bytes", "MESSAGE", "bytes", "LAB_BYTES", "-"], b"\0\n\xff");
    log(&["LAB_ENTRY", "rust-large", "MESSAGE", "-"], &large());
    check(lab, "rust");
}

fn journal_has_entries_of_node(lab: &Lab) {
    built::require_node();
    built::PACKAGE.require();
    lab.write_file(
        "/srv/entries.mjs",
        r#"
        import assert from 'node:assert/strict';
        import { journal } from 'readyup';

        for (const fields of [
          { LAB_ENTRY: 'node-line', MESSAGE: 'one = "line"', PRIORITY: 'err' },
          { LAB_ENTRY: 'node-lines', MESSAGE: 'two\nPRIORITY=0', PRIORITY: 6, LAB_MORE: ['b', 'a'] },
          { LAB_ENTRY: 'node-bytes', MESSAGE: 'bytes', LAB_BYTES: new Uint8Array([0, 10, 255]) },
          { LAB_ENTRY: 'node-large', MESSAGE: 'x'.repeat(1 << 20) },
        ]) {
          assert.equal(await journal.send(fields), true);
        }
        "#,
    );
    lab.run(["node", "/srv/entries.mjs"]).ok();
    check(lab, "node");
    assert!(entry(lab, "node-line").contains(r#""SYSLOG_IDENTIFIER":"node""#));
}

/// A message of a megabyte, which no datagram carries.
fn large() -> Vec<u8> {
    vec![b'x'; LARGE]
}

/// Checks what `journalctl` has of the four entries of `who`.
#[track_caller]
fn check(lab: &Lab, who: &str) {
    let expect = |entry: &str, pieces: &[&str]| {
        for piece in pieces {
            assert!(entry.contains(piece), "{piece} is not in {entry}");
        }
    };
    let one = |name: &str| entry(lab, &format!("{who}-{name}"));
    expect(&one("line"), &[r#""MESSAGE":"one = \"line\"""#, r#""PRIORITY":"3""#]);
    let lines = one("lines");
    expect(&lines, &[r#""MESSAGE":"two\nPRIORITY=0""#, r#""PRIORITY":"6""#, r#""LAB_MORE":["#]);
    expect(&one("bytes"), &[r#""LAB_BYTES":[0,10,255]"#, r#""MESSAGE":"bytes""#]);
    let large = one("large");
    assert!(large.contains(&"x".repeat(LARGE)) && !large.contains(&"x".repeat(LARGE + 1)), "{} bytes", large.len());
}

/// The one entry of this name, as JSON without spaces around what separates.
#[track_caller]
fn entry(lab: &Lab, name: &str) -> String {
    lab.run(["journalctl", "--sync"]).ok();
    let matching = format!("LAB_ENTRY={name}");
    let text = lab.run(["journalctl", "--quiet", "--no-pager", "--all", "--output=json", &matching]).ok();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.replace("\" : ", "\":").replace(", ", ",").replace("[ ", "[").replace(" ]", "]")
}
