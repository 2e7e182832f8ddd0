-- The configuration as it is without any from the user, and its types. Knows no logic; the agents are in agents.lua.

---@class agor.Provider the complete configuration of one agent
---@field protocol string row of the backend's protocol table: 'claude', 'sidecar', …
---@field title string|nil what people call it
---@field command string[]|false|nil program and arguments; false: find the runner. '<binary>' is the backend itself
---@field env table<string, string> trusted: any key, set after the stripping
---@field pass_env string[] names, '*' for any rest, that pass the stripping of the environment
---@field config_env string|nil the variable that names the directory of its configuration
---@field model string|nil
---@field mode string|nil
---@field permission_mode string|nil
---@field system_prompt string|nil
---@field additional_directories string[]|nil
---@field max_turns integer|nil
---@field wrap string[]|nil a command prefix: { 'ssh', 'host' }
---@field wrap_shell boolean|nil whether that joins the words behind it for a shell, where it is not known
---@field paths table<string, string>|nil directories here that have another name behind the wrap
---@field effort string|nil
---@field mcp_servers table<string, agor.McpServer>|nil servers of tools for the agent, by name
---@field login string[]|nil the agent's own login
---@field install string|nil how to get it, shown where it is missing
---@field needs string[]|nil variables that it may need and that are kept from it: for the health check and the sentence about a login
---@field version string[]|false|nil what makes it say its version; false: nothing. By default `--version`
---@field program string|nil what has to be on PATH, where it is not the command's first word
---@field server string|nil the variable that names its server, if that may be on another machine
---@field also string[]|nil where else the program may lie
---@field watchdog integer|false|nil instead of watchdog.after
---@field policy agor.Policy|nil for this agent, beside that for all
---@field trust_files string[]|nil what it reads of a project and obeys, asked about before: see |agor-trust|
---@field untrusted string[]|nil arguments with which it reads none of that; nil: it cannot be kept from it

---@class agor.McpServer a program, or an address
---@field command string[]|nil program and arguments, started by the agent
---@field env table<string, string>|nil
---@field url string|nil
---@field headers table<string, string>|nil
---@field sse boolean|nil the address speaks the older transport of server-sent events

---@class agor.Config the complete configuration
---@field provider string|nil
---@field order string[]
---@field root 'auto'|'cwd'|string[]|fun(buf: integer): string|nil
---@field binary string|nil
---@field releases string|nil
---@field runner_roots string[]
---@field providers table<string, agor.Provider>
---@field window agor.Config.window
---@field board agor.Config.board
---@field keys boolean
---@field icons 'unicode'|'nerd'|'ascii'
---@field spinner boolean
---@field quit 'ask'|'stop'
---@field unsaved 'warn'|'write'|'ignore'
---@field notify agor.Config.notify
---@field trace boolean
---@field log agor.Config.log
---@field policy agor.Policy
---@field queue agor.Config.queue
---@field resume agor.Config.resume
---@field watchdog agor.Config.watchdog
---@field worktree agor.Config.worktree

---@class agor.Config.window
---@field position 'right'|'left'|'bottom'|'top'|'float'|'tab'
---@field width number a share of the columns below 1, else columns
---@field height number a share of the lines below 1, else lines
---@field min_width integer

---@class agor.Config.board
---@field position 'float'|'left'|'right'|'bottom'
---@field width number|nil as of window; nil: 0.9 as a float, 0.3 at a side
---@field height number|nil nil: 0.8 as a float, 0.25 at the bottom

---@class agor.Config.queue
---@field mode 'queue'|'steer'|'interrupt'

---@class agor.Config.resume
---@field picker 'float'|'select'

---@class agor.Config.watchdog
---@field after integer|false seconds of a turn in which an agent says and does nothing until it is marked as stalled

---@class agor.Config.notify
---@field level 'debug'|'info'|'warn'|'error'|'off'
---@field bell boolean
---@field desktop boolean|'auto'

---@class agor.WorktreeOf what a function for a worktree's directory is given
---@field name string
---@field cwd string the session's directory
---@field repository string the top of the checkout around it, else cwd

---@class agor.Config.worktree
---@field directory string|fun(of: agor.WorktreeOf): string
---@field branch string
---@field base string
---@field copy string[]
---@field submodules boolean

---@class agor.Config.log
---@field level 'error'|'warn'|'info'|'debug'|'trace'

---@class agor.UserMcpServer an agor.McpServer; in a list it names itself
---@field name? string
---@field command? string[]
---@field env? table<string, string|number|boolean>
---@field url? string
---@field headers? table<string, string|number|boolean>
---@field sse? boolean

---@class agor.UserProvider one agent in the user's configuration: any part of agor.Provider
---@field protocol? string
---@field command? string[]|false
---@field env? table<string, string|number|boolean>
---@field pass_env? string[]
---@field config_env? string
---@field model? string
---@field mode? string
---@field permission_mode? string
---@field system_prompt? string
---@field additional_directories? string[]
---@field max_turns? integer
---@field wrap? string[]
---@field wrap_shell? boolean
---@field paths? table<string, string>
---@field effort? string
---@field mcp_servers? table<string, agor.UserMcpServer>|agor.UserMcpServer[]
---@field title? string
---@field login? string[]
---@field install? string
---@field needs? string[]
---@field version? string[]|false
---@field program? string
---@field also? string[]
---@field watchdog? integer|false
---@field policy? agor.UserPolicy
---@field trust_files? string[]
---@field untrusted? string[]

---@class agor.UserConfig what setup() and vim.g.agor take: any part of agor.Config
---@field provider? string
---@field order? string[]
---@field root? 'auto'|'cwd'|string[]|fun(buf: integer): string|nil
---@field binary? string
---@field releases? string
---@field runner_roots? string[]
---@field providers? table<string, agor.UserProvider>
---@field window? { position?: string, width?: number, height?: number, min_width?: integer }
---@field board? { position?: string, width?: number, height?: number }
---@field keys? boolean
---@field icons? 'unicode'|'nerd'|'ascii'
---@field spinner? boolean
---@field quit? 'ask'|'stop'
---@field unsaved? 'warn'|'write'|'ignore'
---@field notify? { level?: string, bell?: boolean, desktop?: boolean|'auto' }
---@field trace? boolean
---@field log? { level?: string }
---@field watchdog? { after?: integer|false }
---@field policy? agor.UserPolicy
---@field queue? { mode?: 'queue'|'steer'|'interrupt' }
---@field worktree? { directory?: string|(fun(of: agor.WorktreeOf): string), branch?: string, base?: string, copy?: string[], submodules?: boolean }

local M = {}

---@return agor.Config a fresh table each time
function M.new()
  return {
    provider = nil,
    order = { 'claude', 'codex', 'gemini', 'opencode', 'ollama' },
    root = 'auto',
    binary = nil,
    releases = nil,
    runner_roots = {},
    providers = require('agor.agents').new(),
    window = { position = 'right', width = 0.4, height = 0.4, min_width = 60 },
    board = { position = 'float' },
    keys = true,
    icons = 'unicode',
    spinner = true,
    quit = 'ask',
    unsaved = 'warn',
    notify = { level = 'info', bell = false, desktop = 'auto' },
    trace = false,
    log = { level = 'info' },
    policy = {},
    queue = { mode = 'queue' },
    resume = { picker = 'float' },
    -- Models that show nothing of their thinking are silent for two minutes and more; Codex itself gives up after five.
    watchdog = { after = 180 },
    worktree = {
      directory = '{repository}.worktrees/{name}',
      branch = 'agor/{name}',
      base = '',
      copy = {},
      submodules = false,
    },
  }
end

return M
