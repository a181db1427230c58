//! What the original's genetic algorithm really did, recounted from its generation log.

/// One generation as the original logged it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Generation {
    /// Its number, counted from zero.
    pub number: u32,
    /// Generations since the best fitness last rose.
    pub since_improvement: u32,
    /// Generations counted as stagnant; an extinction sets it to nothing before it is counted on.
    pub stagnation: u32,
    /// Genomes in the population.
    pub population: u32,
    /// Share of the population that is carried over unchanged.
    pub elite_preservation: f64,
}

/// The generations that ended in an extinction: in the next one stagnation is less though nothing improved.
#[must_use]
pub fn extinctions(log: &[Generation]) -> Vec<u32> {
    let ended = log.windows(2).filter(|pair| {
        pair[1].stagnation < pair[0].stagnation && pair[1].since_improvement > pair[0].since_improvement
    });
    ended.map(|pair| pair[0].number).collect()
}

/// Genomes carried over over all generations, at least one each time; the original counted every one as a hit of
/// its cache.
#[must_use]
pub fn elites_carried(log: &[Generation]) -> u64 {
    let elites = |generation: &Generation| {
        let share = (f64::from(generation.population) * generation.elite_preservation).floor();
        // A share of a population is far below the limits of the integer.
        (share.max(1.0)) as u64
    };
    log.iter().map(elites).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(number: u32, since_improvement: u32, stagnation: u32) -> Generation {
        Generation { number, since_improvement, stagnation, population: 200, elite_preservation: 0.0149 }
    }

    #[test]
    fn an_improvement_is_no_extinction() {
        let log = [generation(0, 29, 20), generation(1, 30, 21), generation(2, 31, 1), generation(3, 32, 2)];
        assert_eq!(extinctions(&log), [1]);
        let improved = [generation(0, 30, 21), generation(1, 0, 0)];
        assert_eq!(extinctions(&improved), [] as [u32; 0]);
        assert_eq!(elites_carried(&log), 8, "two each time");
        assert_eq!(elites_carried(&[Generation { elite_preservation: 0.0, ..log[0] }]), 1);
    }
}
