//! What the agent is going to do: its plans, and the tools that are its way to tell one.

use serde_json::Value;

use crate::{
    agent::json::{list, some_text, text},
    domain::{Plan, PlanEntry, PlanStatus},
};

/// Tools whose input is a plan: opencode has no other way to tell one.
const PLAN_TOOLS: [&str; 2] = ["todowrite", "TodoWrite"];

pub fn shows_as_plan(tool: &str) -> bool {
    PLAN_TOOLS.contains(&tool)
}

/// Of a tool call that shows as a plan.
pub fn of_tool(tool: &str, input: &Value) -> Option<Plan> {
    let todos = list(input, "todos");
    (shows_as_plan(tool) && !todos.is_empty()).then(|| of(todos))
}

pub fn of(entries: &[Value]) -> Plan {
    let entry = |entry: &Value| {
        let text = some_text(entry, "content").or(entry.as_str())?.to_owned();
        Some(PlanEntry { text, status: status(self::text(entry, "status")) })
    };
    Plan { entries: entries.iter().filter_map(entry).collect() }
}

fn status(status: &str) -> PlanStatus {
    match status {
        "in_progress" => PlanStatus::InProgress,
        // What was given up is not to come either.
        "completed" | "cancelled" => PlanStatus::Completed,
        _ => PlanStatus::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn entries_of_any_shape_are_read() {
        let entries = json!([{"content": "A", "status": "completed", "priority": "high"}, {"content": "B", "status": "new"},
            {"status": "pending"}, 5, {"content": "C", "status": "in_progress"}]);
        let plan = of(entries.as_array().expect("a list"));
        let flat: Vec<_> = plan.entries.iter().map(|entry| (entry.text.as_str(), entry.status)).collect();
        assert_eq!(flat, [("A", PlanStatus::Completed), ("B", PlanStatus::Pending), ("C", PlanStatus::InProgress)]);
    }

    #[test]
    fn only_a_plans_tool_shows_as_one() {
        let todos = json!({"todos": [{"content": "A"}]});
        assert_eq!(of_tool("todowrite", &todos).map(|plan| plan.entries.len()), Some(1));
        assert_eq!(of_tool("todowrite", &json!({})), None);
        assert_eq!(of_tool("bash", &todos), None);
    }
}
