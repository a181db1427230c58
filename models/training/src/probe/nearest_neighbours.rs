//! The nearest neighbours: what closeness alone can tell.

use crate::probe::{Probe, Sample, largest};

/// How many neighbours vote.
const NEIGHBOURS: usize = 15;

/// The 15 nearest rows by Euclidean distance vote; of equals the lower domain wins.
#[derive(Debug, Clone, Copy)]
pub struct Nearest;

impl Probe for Nearest {
    fn name(&self) -> &'static str {
        "nearest neighbours"
    }

    fn name_domains(&self, train: &Sample, test: &Sample, _seed: u64) -> Vec<usize> {
        test.rows().map(|(row, _)| vote(train, row)).collect()
    }
}

fn vote(train: &Sample, row: &[f32]) -> usize {
    let mut by_distance: Vec<(f32, usize)> =
        train.rows().map(|(other, label)| (distance(row, other), label)).collect();
    let voters = NEIGHBOURS.min(by_distance.len());
    if voters == 0 {
        return 0;
    }
    by_distance.select_nth_unstable_by(voters - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut votes = vec![0_usize; train.classes];
    for (_, label) in &by_distance[..voters] {
        votes[*label] += 1;
    }
    largest(votes.into_iter())
}

fn distance(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(a, b)| (a - b) * (a - b)).sum()
}
