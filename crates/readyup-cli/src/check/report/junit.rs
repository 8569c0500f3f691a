//! For CI systems: each rule is a test.

use crate::check::findings::{Judgment, Needs, RULES, Severity};
use crate::check::plan::Plan;
use crate::check::timeline::Timeline;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::io::{self, Write};

pub(super) fn write(to: &mut dyn Write, plan: &Plan, timeline: &Timeline, judgment: &Judgment) -> io::Result<()> {
    let mut suite = TestSuite::new(plan.command_line());
    for rule in RULES {
        let is_asked_for = match rule.needs {
            Needs::Nothing => true,
            Needs::Port => plan.port.is_some(),
            Needs::Socket => !plan.sockets.is_empty(),
            Needs::Watchdog => plan.config.watchdog.is_some(),
            Needs::Stall => plan.stall.is_some(),
            Needs::Reload => plan.reload,
            Needs::BrokenReload => plan.break_config.is_some(),
        };
        let finding = judgment.findings.iter().find(|finding| finding.rule.id == rule.id);
        let mut status = match finding {
            Some(finding) if finding.severity == Severity::Error => {
                TestCaseStatus::non_success(NonSuccessKind::Failure)
            }
            None if !is_asked_for => TestCaseStatus::skipped(),
            _ => TestCaseStatus::success(),
        };
        if let Some(finding) = finding.filter(|finding| finding.severity == Severity::Error) {
            status.set_message(finding.seen.clone()).set_type(rule.id);
            status.set_description(format!("{}\nwhy: {}\nfix: {}", finding.seen, rule.why, finding.fix));
        }
        let mut case = TestCase::new(format!("{} ({})", rule.title, rule.id), status);
        case.set_classname("readyup.check");
        if let Some(finding) = finding.filter(|finding| finding.severity != Severity::Error) {
            case.set_system_out(format!("{}\nwhy: {}\nfix: {}", finding.seen, rule.why, finding.fix));
        }
        suite.add_test_case(case);
    }
    if let Some(last) = timeline.events.last() {
        suite.set_time(last.at);
    }
    let mut report = Report::new("readyup check");
    report.add_test_suite(suite);
    report.serialize(to).map_err(io::Error::other)
}
