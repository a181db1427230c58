//! Chains found in files that hold copies, cut-off tails, damage and anything else between their pages.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::chain::StreamDigest;
use crate::page::{self, Seal};
use crate::page_place::PageFile;
use crate::upcast::TRADES;

const START: Hash = [7; 32];

/// A page of `count` records behind `previous`; `variant` makes it another page of the same place.
fn page_of(first_seq: u64, count: u32, previous: Hash, variant: u8) -> (Vec<u8>, Hash) {
    let mut digest = StreamDigest::new(START);
    digest.push(&[variant]);
    let mut bytes = Vec::new();
    page::begin(&mut bytes);
    bytes.extend((0..count * 5).map(|byte| (byte % 251) as u8 ^ variant));
    let (first_at, last_at) = (first_seq.cast_signed(), first_seq.cast_signed());
    let seal = Seal { schema: TRADES, count, first_seq, first_at, last_at, previous, digest: &digest };
    let link = page::seal(&mut bytes, seal);
    (bytes, link)
}

/// A chain of pages with these numbers of records.
fn chain_of(counts: &[u32], after: (u64, Hash), variant: u8) -> Vec<(Vec<u8>, Hash, u64)> {
    let (mut seq, mut previous) = after;
    let mut pages = Vec::new();
    for count in counts {
        let (bytes, link) = page_of(seq, *count, previous, variant);
        (seq, previous) = (seq + u64::from(*count), link);
        pages.push((bytes, link, seq - 1));
    }
    pages
}

fn pool_of(path: &Path) -> PagePool {
    let mut pool = PagePool::default();
    pool.add(PageFile::open(path).unwrap().unwrap().find(Holder::Store).unwrap());
    pool
}

fn wanted(pages: &[(Vec<u8>, Hash, u64)]) -> Wanted {
    let head = pages.last().map(|(_, link, count)| ChainHead { count: *count, digest: [0; 32], link: *link });
    Wanted { schema: TRADES, start: START, behind: ChainHead::default(), head }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever lies around them and in whatever order, the pages of a chain are found by its head; of a damaged one
    /// those before the first page of which no copy is whole.
    #[test]
    fn a_chain_is_found_up_to_its_first_page_without_a_whole_copy(
        counts in prop::collection::vec(1_u32..900, 1..14),
        copies in prop::collection::vec(1_usize..3, 14),
        fork in prop::collection::vec(1_u32..900, 0..5),
        fork_at in 0_usize..14,
        damage in prop::collection::vec((0_usize..14, any::<prop::sample::Index>()), 0..4),
        order in any::<u64>(),
        gaps in prop::collection::vec(0_usize..400, 60),
    ) {
        let chain = chain_of(&counts, (1, [0; 32]), 0);
        let fork_at = fork_at % (chain.len() + 1);
        let after = fork_at.checked_sub(1).map_or((1, [0; 32]), |at| (chain[at].2 + 1, chain[at].1));
        let aborted = chain_of(&fork, after, 3);
        let mut stored: Vec<(Option<usize>, Vec<u8>)> = Vec::new();
        for (number, (bytes, ..)) in chain.iter().enumerate() {
            stored.extend((0..copies[number]).map(|_| (Some(number), bytes.clone())));
        }
        stored.extend(aborted.iter().map(|(bytes, ..)| (None, bytes.clone())));
        let mut copies_left: Vec<usize> = copies.clone();
        for (number, place) in &damage {
            let hit = stored.iter_mut().find(|(of, bytes)| *of == Some(*number) && page::open(bytes).is_ok());
            if let Some((_, bytes)) = hit {
                let place = place.index(bytes.len());
                bytes[place] ^= 32;
                copies_left[*number] -= 1;
            }
        }
        stored.sort_by_key(|(of, bytes)| blake3::hash(&[&order.to_le_bytes()[..], &bytes[..], &[of.is_some() as u8]].concat()).as_bytes()[0]);
        let mut file = Vec::new();
        for ((_, bytes), gap) in stored.iter().zip(&gaps) {
            file.extend((0..*gap).map(|byte| (byte % 13) as u8));
            file.extend_from_slice(bytes);
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        std::fs::write(&path, &file).unwrap();
        let found = pool_of(&path).chain(wanted(&chain));
        let whole = copies_left.iter().take(chain.len()).position(|left| *left == 0).unwrap_or(chain.len());
        let links: Vec<Hash> = found.prefix().iter().map(|place| place.link).collect();
        let expected: Vec<Hash> = chain.iter().take(whole).map(|(_, link, _)| *link).collect();
        if whole == chain.len() {
            prop_assert_eq!(links, expected);
            prop_assert!(found.is_whole());
        } else {
            // Where an aborted import forks off before the damage, which branch was committed cannot be told.
            let forked = !aborted.is_empty() && fork_at <= whole;
            prop_assert!(links == expected || (forked && links.len() <= whole && expected.starts_with(&links)
                || (forked && fork_at == whole)), "{} of {} found", links.len(), whole);
            prop_assert!(!found.is_whole());
            let missing = found.places[found.whole].header.first_seq;
            prop_assert_eq!(missing, found.prefix().last().map_or(0, |last| last.header.last_seq()) + 1);
            prop_assert_eq!(found.places.last().unwrap().header.last_seq(), chain.last().unwrap().2);
        }
    }
}

/// A run that was cut short has no head: it reaches as far as pages follow each other, from its own first page.
#[test]
fn a_chain_without_a_head_goes_as_far_as_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let chain = chain_of(&[5, 6, 7], (1, [0; 32]), 0);
    let orphan = chain_of(&[3], (30, [9; 32]), 1);
    let bytes: Vec<u8> = chain.iter().rev().chain(&orphan).flat_map(|(bytes, ..)| bytes.clone()).collect();
    std::fs::write(&path, &bytes).unwrap();
    let found = pool_of(&path).chain(Wanted { head: None, ..wanted(&chain) });
    assert_eq!((found.places.len(), found.is_whole()), (3, true));
    let other = pool_of(&path).chain(Wanted { start: [8; 32], head: None, ..wanted(&chain) });
    assert_eq!(other.places.len(), 0, "the first page names another chain");
    let none = pool_of(&path).chain(Wanted { head: Some(ChainHead::default()), ..wanted(&chain) });
    assert_eq!(none, FoundChain::default(), "nothing is committed");
}
