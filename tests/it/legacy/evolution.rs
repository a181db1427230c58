//! Extinctions and elites, recounted from the log of every run.

use strategies_legacy::evolution::{Generation, elites_carried, extinctions};

use super::{json, table};

#[test]
fn extinctions_and_elites_are_those_of_the_log() {
    let (Some(rows), Some(stored)) = (table("ga_history.csv"), json("genomes.json")) else { return };
    let mut runs = 0;
    for genome in stored["genomes"].as_array().unwrap() {
        let file = genome["source_file"].as_str().unwrap();
        let run = file.trim_start_matches("outputs/").trim_end_matches(".json");
        let log: Vec<Generation> = rows
            .iter()
            .filter(|row| row["run"] == run)
            .map(|row| Generation {
                number: row["generation"].parse().unwrap(),
                since_improvement: row["time_since_improvement"].parse().unwrap(),
                stagnation: row["stagnation_count"].parse().unwrap(),
                population: row["population_size"].parse().unwrap(),
                elite_preservation: row["elite_preservation"].parse().unwrap(),
            })
            .collect();
        if log.is_empty() {
            continue;
        }
        runs += 1;
        let golden: Vec<u32> = serde_json::from_value(genome["extinction_generations"].clone()).unwrap();
        assert_eq!(extinctions(&log), golden, "{run}");
        assert_eq!(genome["elite_carryovers_from_history"], elites_carried(&log), "{run}");
    }
    assert_eq!(runs, 12);
}
