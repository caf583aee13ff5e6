//! Backup, restore and check of a store.
