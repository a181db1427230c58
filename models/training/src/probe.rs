//! Fresh probes: what a new learner can still tell from frozen features.
//!
//! An adversary that fails proves nothing, because features may merely have run away from *that* adversary. So
//! after training the features are frozen and learners that never met them are trained to name the domain, on
//! some rows, and judged on others that lie apart in time. The score of invariance is the best of them. Domains
//! are drawn equally often for training and judged by balanced accuracy: guessing scores 1 / domains however rare
//! some are.

use crate::random::Stream;

pub mod forest;

pub mod logistic;

pub mod nearest_neighbours;

pub mod perceptron;

/// Rows of features with the domain of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Number of features a row.
    pub width: usize,
    /// The features, row by row.
    pub features: Vec<f32>,
    /// The domain of each row.
    pub labels: Vec<usize>,
    /// Number of domains.
    pub classes: usize,
}

impl Sample {
    /// Row number `row`.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.features[row * self.width..(row + 1) * self.width]
    }

    /// Its rows in order.
    pub fn rows(&self) -> impl Iterator<Item = (&[f32], usize)> {
        self.features.chunks_exact(self.width.max(1)).zip(self.labels.iter().copied())
    }

    fn pick(&self, chosen: &[usize]) -> Self {
        let features = chosen.iter().flat_map(|row| self.row(*row).iter().copied()).collect();
        let labels = chosen.iter().map(|row| self.labels[*row]).collect();
        Self { width: self.width, features, labels, classes: self.classes }
    }

    /// The same number of rows of every class that has any, drawn without return: as many as the rarest has, at
    /// most `most` of each.
    #[must_use]
    pub fn balanced(&self, most: usize, stream: &mut Stream) -> Self {
        let of = |class: usize| {
            let labels = self.labels.iter().enumerate();
            labels.filter(|(_, label)| **label == class).map(|(row, _)| row).collect::<Vec<_>>()
        };
        let mut groups: Vec<Vec<usize>> = (0..self.classes).map(of).collect();
        let rarest = groups.iter().map(Vec::len).filter(|count| *count > 0).min().unwrap_or(0);
        for group in &mut groups {
            stream.shuffle(group);
            group.truncate(rarest.min(most));
        }
        let mut chosen = groups.concat();
        stream.shuffle(&mut chosen);
        self.pick(&chosen)
    }

    /// Both samples with each feature at mean 0 and deviation 1 over the rows of `self`; a feature that never
    /// varies there becomes 0.
    #[must_use]
    pub fn standardised(&self, other: &Self) -> (Self, Self) {
        let column = |place: usize| self.rows().map(move |(row, _)| f64::from(row[place]));
        let rows = self.labels.len().max(1) as f64;
        let scales: Vec<(f64, f64)> = (0..self.width)
            .map(|place| {
                let mean = column(place).sum::<f64>() / rows;
                let variance = column(place).map(|value| (value - mean) * (value - mean)).sum::<f64>() / rows;
                (mean, if variance > 1e-12 { 1.0 / libm::sqrt(variance) } else { 0.0 })
            })
            .collect();
        let scaled = |sample: &Self| {
            let numbers = sample.features.iter().enumerate().map(|(at, value)| {
                let (mean, factor) = scales[at % sample.width.max(1)];
                ((f64::from(*value) - mean) * factor) as f32
            });
            Self { features: numbers.collect(), ..sample.clone() }
        };
        (scaled(self), scaled(other))
    }
}

/// A learner that names domains.
pub trait Probe {
    /// Its name, as reports say it.
    fn name(&self) -> &'static str;

    /// Learns `train` and names the domain of each row of `test`.
    fn name_domains(&self, train: &Sample, test: &Sample, seed: u64) -> Vec<usize>;
}

/// How well one probe did.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ProbeScore {
    /// Its name.
    pub probe: &'static str,
    /// Share of rows named rightly.
    pub accuracy: f64,
    /// Mean over domains of the share of their rows named rightly; guessing scores 1 / domains.
    pub balanced_accuracy: f64,
}

/// Rows of each domain a probe learns at most.
pub const PROBE_ROWS: usize = 1_000;

/// The four probes: logistic regression, a perceptron of two layers of 64, the 15 nearest neighbours and a forest of 200
/// trees.
#[must_use]
pub fn all() -> [&'static dyn Probe; 4] {
    [&logistic::Logistic, &perceptron::Perceptron, &nearest_neighbours::Nearest, &forest::Forest]
}

/// Trains `probes` on `train` and lets each name the domains of `test`.
#[must_use]
pub fn ask(probes: &[&dyn Probe], train: &Sample, test: &Sample, seed: u64) -> Vec<Vec<usize>> {
    let drawn = train.balanced(PROBE_ROWS, &mut Stream::new(seed, "probe rows"));
    let (drawn, test) = drawn.standardised(test);
    probes.iter().map(|probe| probe.name_domains(&drawn, &test, seed)).collect()
}

/// Judges what `probes` named. Domains that do not occur are left out of the mean.
#[must_use]
pub fn score(
    probes: &[&dyn Probe],
    named: &[Vec<usize>],
    truth: &[usize],
    classes: usize,
) -> Vec<ProbeScore> {
    let score = |(probe, named): (&&dyn Probe, &Vec<usize>)| {
        let (accuracy, balanced_accuracy) = accuracies(named, truth, classes);
        ProbeScore { probe: probe.name(), accuracy, balanced_accuracy }
    };
    probes.iter().zip(named).map(score).collect()
}

/// Trains `probes` on `train` and judges them on `test`.
#[must_use]
pub fn judge(probes: &[&dyn Probe], train: &Sample, test: &Sample, seed: u64) -> Vec<ProbeScore> {
    score(probes, &ask(probes, train, test, seed), &test.labels, test.classes)
}

/// The best balanced accuracy among `scores`; 0 when there are none.
#[must_use]
pub fn best(scores: &[ProbeScore]) -> f64 {
    scores.iter().map(|score| score.balanced_accuracy).fold(0.0, f64::max)
}

/// Share named rightly, over all rows and as a mean over the classes that occur.
#[must_use]
pub fn accuracies(named: &[usize], truth: &[usize], classes: usize) -> (f64, f64) {
    let mut seen = vec![0_usize; classes];
    let mut right = vec![0_usize; classes];
    for (name, label) in named.iter().zip(truth) {
        seen[*label] += 1;
        right[*label] += usize::from(name == label);
    }
    let recalls = seen.iter().zip(&right).filter(|(seen, _)| **seen > 0);
    let recalls: Vec<f64> = recalls.map(|(seen, right)| *right as f64 / *seen as f64).collect();
    let all = right.iter().sum::<usize>() as f64 / truth.len().max(1) as f64;
    (all, recalls.iter().sum::<f64>() / recalls.len().max(1) as f64)
}

/// The place of the largest number; the first of equals.
pub(crate) fn largest<T: PartialOrd>(numbers: impl Iterator<Item = T>) -> usize {
    let mut best: Option<(usize, T)> = None;
    for (place, number) in numbers.enumerate() {
        if best.as_ref().is_none_or(|(_, before)| number > *before) {
            best = Some((place, number));
        }
    }
    best.map_or(0, |(place, _)| place)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Three clouds around corners of a square, a fourth number that says nothing.
    pub(crate) fn clouds(rows: usize, spread: f32, seed: u64) -> Sample {
        let mut stream = Stream::new(seed, "clouds");
        let mut sample = Sample { width: 3, features: Vec::new(), labels: Vec::new(), classes: 3 };
        for row in 0..rows {
            let noise = stream.normals(3, spread);
            let (x, y) = [(0.0, 0.0), (2.0, 0.0), (0.0, 2.0)][row % 3];
            sample.features.extend([x + noise[0], y + noise[1], noise[2]]);
            sample.labels.push(row % 3);
        }
        sample
    }

    #[test]
    fn every_probe_separates_clusters_and_none_finds_structure_in_noise() {
        let (train, test) = (clouds(300, 0.4, 1), clouds(150, 0.4, 2));
        for score in judge(&all(), &train, &test, 3) {
            assert!(score.balanced_accuracy > 0.93, "{score:?}");
        }
        let mut mixed = clouds(300, 0.4, 1);
        Stream::new(9, "labels").shuffle(&mut mixed.labels);
        for score in judge(&all(), &mixed, &test, 3) {
            assert!(score.balanced_accuracy < 0.62, "{score:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_names() {
        let (train, test) = (clouds(120, 0.9, 1), clouds(60, 0.9, 2));
        for probe in all() {
            let name = |seed| probe.name_domains(&train, &test, seed);
            assert_eq!(name(4), name(4), "{}", probe.name());
        }
    }

    #[test]
    fn balance_and_accuracy_count_domains_not_rows() {
        let sample = Sample {
            width: 1,
            features: vec![0.0; 10],
            labels: vec![0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
            classes: 3,
        };
        let drawn = sample.balanced(99, &mut Stream::new(1, "rows"));
        assert_eq!(drawn.labels.iter().filter(|label| **label == 0).count(), 3);
        assert_eq!(drawn.labels.len(), 6);
        let (all, balanced) = accuracies(&[0; 10], &sample.labels, 3);
        assert!((all - 0.7).abs() < 1e-12 && (balanced - 0.5).abs() < 1e-12);
    }
}
