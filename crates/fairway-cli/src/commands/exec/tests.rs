use serde_json::json;

use super::*;
use crate::failure::Exit;

#[test]
fn the_exit_code_of_a_command_is_its_own() {
    let ended = |status: serde_json::Value| outcome(Some(serde_json::from_value(status).unwrap()), "api-1");
    let with = |code: &str| {
        ended(json!({ "status": "Failure", "reason": "NonZeroExitCode", "message": "ended",
            "details": { "causes": [{ "reason": "ExitCode", "message": code }] } }))
    };
    assert_eq!(ended(json!({ "status": "Success" })), Ok(0));
    for (said, code) in [("7", 7), ("127", 127), ("255", 255), ("256", 1)] {
        assert_eq!(with(said), Ok(code));
    }
    for refused in [with("many"), ended(json!({ "status": "Failure", "message": "ended" }))] {
        let refused = refused.unwrap_err();
        assert_eq!((refused.exit, refused.what.as_str()), (Exit::Failed, "ended"));
    }
    let broken = outcome(None, "api-1").unwrap_err();
    assert_eq!((broken.exit, broken.what.as_str()), (Exit::NotRunning, "the session in api-1 broke off"));
}
