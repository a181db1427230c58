//! An exchange on the loopback, with faults by script and a record of everything it sent.
