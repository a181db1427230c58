//! A forest of decision trees (Breiman 2001): what thresholds can tell.

use crate::probe::{Probe, Sample, largest};
use crate::random::Stream;

const TREES: usize = 200;
/// A node with fewer rows is a leaf.
const SPLIT_ROWS: usize = 4;
const DEPTH_MAX: usize = 24;

/// 200 trees, each on a bootstrap draw of the rows, each node looking at √features features; majority vote.
#[derive(Debug, Clone, Copy)]
pub struct Forest;

impl Probe for Forest {
    fn name(&self) -> &'static str {
        "forest"
    }

    fn name_domains(&self, train: &Sample, test: &Sample, seed: u64) -> Vec<usize> {
        let mut votes = vec![vec![0_usize; train.classes]; test.labels.len()];
        let rows = train.labels.len();
        for tree in 0..TREES {
            let mut stream = Stream::new(seed, &format!("tree {tree}"));
            let drawn = (0..rows).map(|_| stream.below(rows)).collect();
            let nodes = grow(train, drawn, &mut stream);
            for (votes, (row, _)) in votes.iter_mut().zip(test.rows()) {
                votes[leaf(&nodes, row)] += 1;
            }
        }
        votes.into_iter().map(|votes| largest(votes.into_iter())).collect()
    }
}

#[derive(Debug, Clone, Copy)]
enum Node {
    Leaf(usize),
    /// Rows below `threshold` go to the node after this one, the others to `above`.
    Split {
        feature: usize,
        threshold: f32,
        above: usize,
    },
}

fn leaf(nodes: &[Node], row: &[f32]) -> usize {
    let mut at = 0;
    loop {
        match nodes.get(at) {
            Some(Node::Split { feature, threshold, above }) => {
                at = if row[*feature] < *threshold { at + 1 } else { *above };
            }
            Some(Node::Leaf(class)) => return *class,
            None => return 0,
        }
    }
}

fn grow(train: &Sample, rows: Vec<usize>, stream: &mut Stream) -> Vec<Node> {
    let mut nodes = Vec::new();
    branch(train, rows, 0, stream, &mut nodes);
    nodes
}

fn branch(train: &Sample, rows: Vec<usize>, depth: usize, stream: &mut Stream, nodes: &mut Vec<Node>) {
    let at = nodes.len();
    let counts = counts(train, &rows);
    nodes.push(Node::Leaf(largest(counts.iter())));
    let pure = counts.iter().filter(|count| **count > 0).count() < 2;
    if pure || rows.len() < SPLIT_ROWS || depth == DEPTH_MAX {
        return;
    }
    let Some((feature, threshold)) = best_split(train, &rows, stream) else { return };
    let (below, above) = rows.into_iter().partition(|row| train.row(*row)[feature] < threshold);
    branch(train, below, depth + 1, stream, nodes);
    nodes[at] = Node::Split { feature, threshold, above: nodes.len() };
    branch(train, above, depth + 1, stream, nodes);
}

fn counts(train: &Sample, rows: &[usize]) -> Vec<usize> {
    let mut counts = vec![0; train.classes];
    for row in rows {
        counts[train.labels[*row]] += 1;
    }
    counts
}

/// The threshold with the purest two sides among √features features drawn at random.
fn best_split(train: &Sample, rows: &[usize], stream: &mut Stream) -> Option<(usize, f32)> {
    let looks = (libm::sqrt(train.width as f64) as usize).max(1);
    let mut best: Option<(f64, usize, f32)> = None;
    for _ in 0..looks {
        let feature = stream.below(train.width);
        let mut column: Vec<(f32, usize)> =
            rows.iter().map(|row| (train.row(*row)[feature], train.labels[*row])).collect();
        column.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let Some((purity, threshold)) = purest(&column, train.classes) else { continue };
        if best.is_none_or(|(before, _, _)| purity > before) {
            best = Some((purity, feature, threshold));
        }
    }
    best.map(|(_, feature, threshold)| (feature, threshold))
}

/// The cut of a sorted column with the largest sum of squared class counts over side sizes, which is the one
/// with the least Gini impurity.
fn purest(column: &[(f32, usize)], classes: usize) -> Option<(f64, f32)> {
    let mut below = vec![0.0_f64; classes];
    let mut above = vec![0.0_f64; classes];
    for (_, label) in column {
        above[*label] += 1.0;
    }
    let (mut below_squares, mut above_squares) = (0.0, above.iter().map(|count| count * count).sum::<f64>());
    let mut best = None;
    for (place, pair) in column.windows(2).enumerate() {
        let (value, label) = pair[0];
        below_squares += 2.0f64.mul_add(below[label], 1.0);
        above_squares -= 2.0f64.mul_add(above[label], -1.0);
        below[label] += 1.0;
        above[label] -= 1.0;
        let next = pair[1].0;
        if value < next {
            let size = (place + 1) as f64;
            let purity = below_squares / size + above_squares / (column.len() as f64 - size);
            if best.is_none_or(|(before, _)| purity > before) {
                best = Some((purity, next));
            }
        }
    }
    best
}
