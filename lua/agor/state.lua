-- What has to outlive a reload of our modules: the backend's channel, the session mirror, open questions and callbacks.
-- One table under one global name. Knows nothing of what the values mean.

---@class agor.Registration
---@field fn function
---@field session string|nil
---@field generation integer

---@class agor.State
---@field channel integer|nil the backend's job id, which is its RPC channel too
---@field backend agor.Handshake|nil what the backend said of itself
---@field deaths integer[] when it ended by itself, in milliseconds
---@field stopping table<integer, true> jobs that end because we want it
---@field exit_waiters table<integer, fun()[]>
---@field next_id integer
---@field replies table<integer, fun(err: string|nil, result: any)>
---@field sessions table<string, agor.Row>
---@field requests table<string, table<string, agor.OpenRequest>> by session, then by request
---@field starts table<string, table> the parameters each session was started with
---@field last_start integer|nil when the last session was started, in milliseconds
---@field tick integer
---@field used table<string, integer>
---@field tab_used table<integer, string[]> by tabpage, the last one used comes last
---@field generation integer of the public module, raised by each reload
---@field on_message agor.Registration[]
---@field on_status agor.Registration[]
---@field listening string|nil what was last asked of the backend
---@field said table<string, true> what the user was told already
---@field trouble string[] traces of our own errors, for the health check
---@field leaving boolean
---@field options table|nil what setup() was given last
---@field cmdline string|nil the command line that is being executed
---@field operator_words string|nil
---@field paste true|nil what is pasted into prompts is listened to
---@field ui table|nil what the windows keep: revisions, drafts, open questions

---@type agor.State
local state = rawget(_G, '_agor_nvim')
if not state then
  state = {
    deaths = {},
    stopping = {},
    exit_waiters = {},
    next_id = 1,
    replies = {},
    sessions = {},
    requests = {},
    starts = {},
    tick = 0,
    used = {},
    tab_used = {},
    generation = 0,
    on_message = {},
    on_status = {},
    said = {},
    trouble = {},
    leaving = false,
  }
  rawset(_G, '_agor_nvim', state)
end
return state
