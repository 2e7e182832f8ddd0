//! The agent's list of what it is going to do: `TodoWrite` gives it whole, the `Task…` tools piece by piece.

use serde_json::Value;

use crate::{
    agent::json::{list, some_text, text},
    domain::{Plan, PlanEntry, PlanStatus},
};

/// Calls of these tools show as a plan and not as calls.
pub fn shows_as_plan(tool: &str) -> bool {
    matches!(tool, "TodoWrite" | "TaskCreate" | "TaskUpdate" | "TaskList")
}

#[derive(Debug, Default)]
pub struct Tasks {
    entries: Vec<(String, PlanEntry)>,
}

impl Tasks {
    /// What a successful call has done to the list; `None` if nothing that can be told.
    pub fn apply(&mut self, tool: &str, input: &Value, result: &Value) -> Option<Plan> {
        match tool {
            "TodoWrite" => {
                let todos = list(input, "todos").iter();
                let entries = todos.map(|todo| (String::new(), entry(text(todo, "content"), text(todo, "status"))));
                self.entries = entries.collect();
            }
            "TaskCreate" => {
                let task = result.get("task")?;
                let id = id(task)?;
                let subject = some_text(task, "subject").unwrap_or_else(|| text(input, "subject"));
                self.put(id, entry(subject, text(input, "status")));
            }
            "TaskUpdate" => {
                let id = input.get("taskId").and_then(as_id)?;
                if text(input, "status") == "deleted" {
                    self.entries.retain(|(known, _)| *known != id);
                } else {
                    let (_, entry) = self.entries.iter_mut().find(|(known, _)| *known == id)?;
                    if let Some(status) = some_text(input, "status") {
                        entry.status = self::status(status);
                    }
                    if let Some(subject) = some_text(input, "subject") {
                        subject.clone_into(&mut entry.text);
                    }
                }
            }
            "TaskList" => {
                let tasks = result.get("tasks")?.as_array()?;
                let entries = tasks
                    .iter()
                    .filter_map(|task| Some((id(task)?, entry(text(task, "subject"), text(task, "status")))));
                self.entries = entries.collect();
            }
            _ => return None,
        }
        Some(Plan { entries: self.entries.iter().map(|(_, entry)| entry.clone()).collect() })
    }

    fn put(&mut self, id: String, entry: PlanEntry) {
        match self.entries.iter_mut().find(|(known, _)| *known == id) {
            Some((_, old)) => *old = entry,
            None => self.entries.push((id, entry)),
        }
    }
}

fn id(task: &Value) -> Option<String> {
    task.get("id").and_then(as_id)
}

fn as_id(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|number| number.to_string()))
}

fn entry(text: &str, status: &str) -> PlanEntry {
    PlanEntry { text: text.to_owned(), status: self::status(status) }
}

fn status(status: &str) -> PlanStatus {
    match status {
        "in_progress" => PlanStatus::InProgress,
        "completed" => PlanStatus::Completed,
        _ => PlanStatus::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(plan: Option<Plan>, expect: &[(&str, PlanStatus)]) {
        let plan = plan.expect("the list changed");
        let flat: Vec<_> = plan.entries.iter().map(|entry| (entry.text.as_str(), entry.status)).collect();
        assert_eq!(flat, expect);
    }

    #[test]
    fn tasks_come_one_by_one_and_change() {
        use PlanStatus::*;
        let mut tasks = Tasks::default();
        let look = json!({"task": {"id": "1", "subject": "Look"}});
        check(tasks.apply("TaskCreate", &json!({}), &look), &[("Look", Pending)]);
        let fix = json!({"task": {"id": "2"}});
        check(tasks.apply("TaskCreate", &json!({"subject": "Fix"}), &fix), &[("Look", Pending), ("Fix", Pending)]);
        let update = json!({"taskId": 1, "status": "in_progress"});
        check(tasks.apply("TaskUpdate", &update, &json!({})), &[("Look", InProgress), ("Fix", Pending)]);
        let deleted = json!({"taskId": "2", "status": "deleted"});
        check(tasks.apply("TaskUpdate", &deleted, &json!({})), &[("Look", InProgress)]);
        assert_eq!(tasks.apply("TaskUpdate", &json!({"taskId": "9"}), &json!({})), None);
        let all = json!({"tasks": [{"id": "7", "subject": "New", "status": "completed"}, {"subject": "no id"}]});
        check(tasks.apply("TaskList", &json!({}), &all), &[("New", Completed)]);
    }

    #[test]
    fn todo_write_replaces_the_list() {
        use PlanStatus::*;
        let todos = json!({"todos": [{"content": "A", "status": "completed"}, {"content": "B"}]});
        check(Tasks::default().apply("TodoWrite", &todos, &json!(null)), &[("A", Completed), ("B", Pending)]);
    }
}
