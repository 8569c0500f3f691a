//! The report as a picture: a bar for each of a few rows that tell the most.

use super::markdown::quantity;
use crate::result::{Role, Row, Run, Table};
use std::fmt::Write as _;

/// The tables that are shown.
const SHOWN: [&str; 6] =
    ["heartbeat-rust/time", "heartbeat-node/time", "command/read", "restart/all", "start/require", "receive/proxy"];

const WIDTH: f64 = 860.0;
const NAMES: f64 = 400.0;
const BARS: f64 = 340.0;
const ROW: f64 = 20.0;

pub(super) fn of(run: &Run) -> String {
    let mut body = String::new();
    let mut y = 8.0;
    for path in SHOWN {
        let Some((group, table)) = find(run, path) else { continue };
        y += 24.0;
        let direction = if table.unit.more_is_better() { "longer is better" } else { "shorter is better" };
        let logarithmic = spread(table) > 30.0;
        let scale = if logarithmic { ", logarithmic" } else { "" };
        let title = escaped(&format!("{group}: {} ({direction}{scale})", table.title));
        let _ = writeln!(body, "<text class=\"title\" x=\"8\" y=\"{y}\">{title}</text>");
        for row in &table.rows {
            y += ROW;
            bar(&mut body, table, row, y, logarithmic);
        }
        y += 12.0;
    }
    let height = y + 24.0;
    let machine = escaped(&run.machine);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <style>.title {{ font-weight: bold }} .limit {{ fill: #9aa0a6 }} .ours {{ fill: #1a7f37 }} .peer {{ fill: #a3522e }} \
         .machine {{ fill: #666 }}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}\
         <text class=\"machine\" x=\"8\" y=\"{}\" font-size=\"10\">{machine}</text>\n</svg>\n",
        height - 10.0
    )
}

fn find<'a>(run: &'a Run, path: &str) -> Option<(&'a str, &'a Table)> {
    let (group, table) = path.split_once('/')?;
    let group = run.groups.iter().find(|found| found.id == group)?;
    let table = group.tables.iter().find(|found| found.id == table)?;
    (!table.rows.is_empty()).then_some((group.title.as_str(), table))
}

/// How many times the smallest the largest is.
fn spread(table: &Table) -> f64 {
    let (smallest, largest) = ends(table);
    largest / smallest
}

fn ends(table: &Table) -> (f64, f64) {
    let medians = || table.rows.iter().map(|row| row.median);
    (medians().fold(f64::INFINITY, f64::min), medians().fold(0.0, f64::max))
}

fn bar(body: &mut String, table: &Table, row: &Row, y: f64, logarithmic: bool) {
    let (smallest, largest) = ends(table);
    let part = if logarithmic {
        // The smallest is to be seen, too.
        let from = smallest.ln() - 0.5;
        (row.median.ln() - from) / (largest.ln() - from)
    } else {
        row.median / largest
    };
    let class = match row.role {
        Role::Limit => "limit",
        Role::Ours => "ours",
        Role::Peer => "peer",
    };
    let name = escaped(&row.name.replace('`', ""));
    let length = (BARS * part).max(1.0);
    let _ = writeln!(body, "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{name}</text>", NAMES - 8.0);
    let _ = writeln!(
        body,
        "<rect class=\"{class}\" x=\"{NAMES}\" y=\"{}\" width=\"{length:.1}\" height=\"14\"/>",
        y - 11.0
    );
    let value = quantity(row.median, table.unit);
    let _ = writeln!(body, "<text x=\"{:.1}\" y=\"{y}\">{value}</text>", NAMES + length + 6.0);
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
