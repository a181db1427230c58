//! Chains put together from pages found anywhere.
//!
//! Nothing but the pages themselves says which of them belong together. The first page of a chain names its
//! series: its `block` is the start of the digest, which is made from the series' description. Every other page
//! names the one before by its hash. And the committed head names the last. So the chain is walked backward from
//! its head; where that comes to a hole, what leads up to the hole is walked forward from the first page.

use std::collections::BTreeMap;

use crate::chain::{ChainHead, DIGEST_BLOCK, Hash};
use crate::page::PageHeader;
use crate::page_place::{Found, Holder, PagePlace};

/// Pages by their links.
#[derive(Debug, Default)]
pub(crate) struct PagePool {
    pages: BTreeMap<Hash, PagePlace>,
    behind: BTreeMap<Hash, Vec<Hash>>,
    broken: Vec<PagePlace>,
}

/// What makes a chain this one and no other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Schema of its pages.
    pub(crate) schema: u16,
    /// Where its digest starts.
    pub(crate) start: Hash,
    /// What it goes on behind: nothing, or the last segment of it that was put away.
    pub(crate) behind: ChainHead,
    /// Where it was committed to end, if that is known.
    pub(crate) head: Option<ChainHead>,
}

impl Wanted {
    /// Number of its first record.
    const fn first_seq(&self) -> u64 {
        self.behind.count.saturating_add(1)
    }
}

/// Pages of one chain in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FoundChain {
    /// The pages; a place of no length stands for those that are missing.
    pub(crate) places: Vec<PagePlace>,
    /// Index of the first missing page; the number of pages when none is.
    pub(crate) whole: usize,
}

impl FoundChain {
    /// The pages before the first that is missing.
    pub(crate) fn prefix(&self) -> &[PagePlace] {
        self.places.get(..self.whole).unwrap_or_default()
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.whole == self.places.len()
    }
}

impl PagePool {
    /// Adds the pages of one file. Of equal pages the first is kept, so add the store before the log.
    pub(crate) fn add(&mut self, found: Found) {
        for place in found.sound {
            if self.pages.contains_key(&place.link) {
                continue;
            }
            self.pages.insert(place.link, place);
            self.behind.entry(place.header.previous).or_default().push(place.link);
        }
        self.broken.extend(found.broken);
    }

    /// Number of different pages.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.pages.len()
    }

    pub(crate) fn get(&self, link: &Hash) -> Option<&PagePlace> {
        self.pages.get(link)
    }

    /// The chain that is `wanted`, as far as it is there.
    pub(crate) fn chain(&self, wanted: Wanted) -> FoundChain {
        let head = wanted.head.filter(|head| head.count > wanted.behind.count);
        if wanted.head.is_some() && head.is_none() {
            return FoundChain::default();
        }
        let tail = head.map(|head| self.backward(head)).unwrap_or_default();
        if tail.first().is_some_and(|first| first.header.first_seq == wanted.first_seq()) {
            return FoundChain { whole: tail.len(), places: tail };
        }
        let mut places = self.forward(wanted);
        let whole = places.len();
        if let Some(head) = head {
            places.push(self.gap(places.last(), tail.first(), wanted, head));
            places.extend(tail);
        } else {
            places.extend(self.misfit(places.last(), wanted));
        }
        FoundChain { places, whole }
    }

    /// In a run, the hole before a page that names the last one as the page before it and yet does not follow it,
    /// which no engine writes. A dataset holds first pages of other series.
    fn misfit(&self, last: Option<&PagePlace>, wanted: Wanted) -> Option<PagePlace> {
        if wanted.schema != crate::upcast::ENVELOPES {
            return None;
        }
        let link = last.map_or(wanted.behind.link, |last| last.link);
        let count = last.map_or(wanted.first_seq(), |last| last.header.last_seq().saturating_add(1));
        let mut behind = self.behind.get(&link)?.iter().filter_map(|link| self.pages.get(link));
        let stray = behind.find(|place| place.header.schema == wanted.schema)?;
        Some(self.gap(last, None, wanted, ChainHead { count, link: stray.link, ..ChainHead::default() }))
    }

    /// From the head back to the first page, or to a hole; answered in order.
    fn backward(&self, head: ChainHead) -> Vec<PagePlace> {
        let mut places: Vec<PagePlace> = Vec::new();
        let mut link = head.link;
        while let Some(place) = self.pages.get(&link) {
            let end = places.last().map_or(Some(head.count), |after| after.header.first_seq.checked_sub(1));
            if Some(place.header.last_seq()) != end {
                break;
            }
            places.push(*place);
            link = place.header.previous;
        }
        places.reverse();
        places
    }

    /// From the first page on. Where a chain forks, an import or a run was taken up again behind a page: the
    /// longer branch is the run; which branch was committed to a series cannot be told, and it ends there. A store
    /// in which pages were rolled back is made anew when it is closed, so that no later page forks with them.
    fn forward(&self, wanted: Wanted) -> Vec<PagePlace> {
        let begins = |place: &PagePlace| {
            let PageHeader { schema, block, .. } = place.header;
            schema == wanted.schema && (wanted.behind.count > 0 || block == wanted.start)
        };
        let limit = wanted.head.map_or(u64::MAX, |head| head.count);
        let mut places: Vec<PagePlace> = Vec::new();
        loop {
            let (link, next_seq) = places.last().map_or((wanted.behind.link, wanted.first_seq()), |last| {
                (last.link, last.header.last_seq().saturating_add(1))
            });
            let candidates = self.behind.get(&link).into_iter().flatten();
            let candidates = candidates.filter_map(|link| self.pages.get(link)).filter(|place| {
                let fits = place.header.first_seq == next_seq && place.header.last_seq() <= limit;
                fits && place.header.schema == wanted.schema
                    && (next_seq > wanted.first_seq() || begins(place))
            });
            let mut candidates: Vec<&PagePlace> = candidates.collect();
            if candidates.len() > 1 {
                if wanted.head.is_some() {
                    return places;
                }
                candidates.sort_by_key(|place| self.reach(place));
            }
            match candidates.last() {
                Some(place) => places.push(**place),
                None => return places,
            }
        }
    }

    /// Number of the last record that a branch comes to.
    fn reach(&self, place: &PagePlace) -> u64 {
        let mut last = 0;
        let mut open = vec![*place];
        while let Some(place) = open.pop() {
            last = last.max(place.header.last_seq());
            let next = self.behind.get(&place.link).into_iter().flatten();
            let next = next.filter_map(|link| self.pages.get(link));
            open.extend(
                next.filter(|next| next.header.first_seq == place.header.last_seq().saturating_add(1)),
            );
        }
        last
    }

    /// The place of the missing pages between `before` and `after`: where a damaged page stands that follows, or
    /// nowhere.
    fn gap(
        &self,
        before: Option<&PagePlace>,
        after: Option<&PagePlace>,
        wanted: Wanted,
        head: ChainHead,
    ) -> PagePlace {
        let previous = before.map_or(wanted.behind.link, |before| before.link);
        let first_seq =
            before.map_or(wanted.first_seq(), |before| before.header.last_seq().saturating_add(1));
        let last_seq = after.map_or(head.count, |after| after.header.first_seq.saturating_sub(1));
        let link = after.map_or(head.link, |after| after.header.previous);
        let is_it = |place: &&PagePlace| {
            let by_place = place.header.first_seq == first_seq && place.header.previous == previous;
            place.header.schema == wanted.schema && (by_place || place.link == link)
        };
        // More records than a page can count are only placed less exactly.
        let count = u32::try_from(last_seq.saturating_add(1).saturating_sub(first_seq)).unwrap_or(u32::MAX);
        let moment = before.map_or(i64::MIN, |before| before.header.last_at);
        let header = PageHeader {
            schema: wanted.schema,
            count: count.max(1),
            first_seq,
            first_at: moment,
            last_at: moment,
            payload_len: 0,
            previous,
            block: [0; 32],
            digest: [0; 32],
        };
        let stands = self.broken.iter().find(is_it);
        let (holder, offset, len) =
            stands.map_or((Holder::Store, 0, 0), |place| (place.holder, place.offset, place.len));
        PagePlace { holder, offset, len, header, link }
    }
}

#[cfg(test)]
mod tests;

/// Whether a first page can be told from that of another chain: its block is the start only while no block of
/// records is full.
const _: () =
    assert!(DIGEST_BLOCK > crate::upcast::COLUMN_RECORDS_MAX as u64, "a first page ends within a block");
