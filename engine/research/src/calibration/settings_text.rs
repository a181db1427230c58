//! A calibration as the sections of a configuration.

use replay_statistics::estimate::Estimate;

use super::{Calibration, Figure, Setting};

/// What no run can show, by the section it belongs to.
const NEVER_FITTED: [(&str, &str); 3] = [
    (
        "costs",
        "impact: what the size of an order adds needs orders of many sizes; set [costs.impact] by hand",
    ),
    ("venue", "depth: what more was offered than an order took is not in its reports"),
    ("venue", "limit_at_open: of bars, which no venue trades by"),
];

/// The sections, each with its keys, what is known of them, and why others are left out.
pub(super) fn toml(calibration: &Calibration) -> String {
    let mut text = String::from("# Fitted by `engine calibrate` to what these runs show:\n");
    for source in &calibration.sources {
        text.push_str(&format!("#   {} ({}, {} orders)\n", source.dir.display(), source.mode, source.orders));
    }
    for remark in &calibration.remarks {
        text.push_str(&format!("# {remark}.\n"));
    }
    text.push_str(
        "# A key that is left out counts as nothing in a configuration: keep what you have there.\n",
    );
    for section in ["latency", "costs", "venue"] {
        text.push_str(&format!("\n[{section}]\n"));
        for figure in &calibration.figures {
            let Some(setting) = figure.setting.as_ref().filter(|setting| setting.section == section) else {
                continue;
            };
            text.push_str(&lines(figure, setting));
        }
        for (_, words) in NEVER_FITTED.iter().filter(|(of, _)| *of == section) {
            text.push_str(&format!("# Left out: {words}.\n"));
        }
    }
    text
}

fn lines(figure: &Figure, setting: &Setting) -> String {
    let known = match figure.estimate {
        Some(estimate) => format!("# {}: {}.\n", figure.meaning, known(figure, &estimate)),
        None => String::new(),
    };
    match &setting.value {
        Ok(value) => format!("{known}{} = {value}\n", setting.key),
        Err(why) => format!("{known}# Left out: {}: {why}.\n", setting.key),
    }
}

fn known(figure: &Figure, estimate: &Estimate) -> String {
    let [low, high] = [estimate.low, estimate.high].map(|value| figure.unit.written(value));
    let spread = figure.spread.map(|[low, high]| {
        format!("; nine of ten from {} to {}", figure.unit.written(low), figure.unit.written(high))
    });
    let (count, method) = (figure.count, figure.method);
    format!("{count} observations, 95 % from {low} to {high} ({method}){}", spread.unwrap_or_default())
}
