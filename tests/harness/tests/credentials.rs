//! Whose credentials count follows the files that say so.

use kcp_test_harness::{Kcp, Options, eventually};

#[test]
fn a_token_file_is_read_again() {
    let line = |token: &str| format!(r#"{token},alice,alice-uid,"system:kcp:admin""#);
    let kcp = Kcp::with(Options { tokens: vec![line("first")], ..Options::default() });
    let reads = |token: &str| kcp.workspace("root").token(token).run(&["get", "workspaces"]).is_ok();
    assert!(reads("first"));
    assert!(!reads("second"));
    let file = kcp.scratch().join("tokens.csv");
    std::fs::write(&file, line("second") + "\n").unwrap();
    eventually("the second token counts", || reads("second"));
    assert!(!reads("first"));
    std::fs::write(&file, "broken\n").unwrap();
    eventually("the broken file is noticed", || {
        std::fs::read_to_string(kcp.log()).unwrap().contains("keeping the old ones")
    });
    assert!(reads("second"), "a broken file changes nothing");
}
