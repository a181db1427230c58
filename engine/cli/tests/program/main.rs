//! The program as its users meet it: commands, exit codes, answers in both languages, and what it leaves on disk.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod browser;
#[cfg(unix)]
mod calibration;
mod commands;
mod comparisons;
mod configuration;
mod datasets;
mod drafts;
mod figures;
mod files_beside;
mod folder;
mod forged_events;
mod forged_run;
mod full_disk;
mod interruption;
mod kills;
mod live;
#[cfg(unix)]
mod live_exits;
#[cfg(unix)]
mod live_faults;
#[cfg(unix)]
mod live_keys;
#[cfg(unix)]
mod live_kills;
#[cfg(unix)]
mod live_reconciliation;
#[cfg(unix)]
mod live_venue;
mod model_run;
mod models;
mod own_strategy;
mod paper;
mod paper_data;
mod paper_ensemble;
mod paper_faults;
mod paper_kills;
mod paper_latency;
mod paper_listings;
mod paper_load;
mod paper_retention;
mod paper_segments;
mod paper_soak;
mod power_cut;
mod preset;
mod read_only;
mod reading_back;
mod recorded_captures;
mod recordings;
mod regimes;
mod run_tables;
mod series_roles;
mod significance;
mod study;
mod sweeps;
mod verification;
mod walk_forward;
mod warmup;
