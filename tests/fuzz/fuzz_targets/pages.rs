//! Pages of a journal, whole and damaged: both ways to look at one agree.
#![no_main]

use journal_store::page;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let opened = page::open(data);
    let header = page::header(data);
    if let Ok((found, link)) = opened {
        assert_eq!(header.as_ref(), Ok(&found));
        assert_eq!(page::open(data), Ok((found, link)));
    }
});
