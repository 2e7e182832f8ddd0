-- An agent's login: one of the ways that it offers itself, else the configured program in a terminal. Knows terminals and
-- the backend's method; what a login is, is the agent's business.

local environment = require('agor.environment')
local message = require('agor.message')
local mirror = require('agor.mirror')
local place = require('agor.place')
local provider = require('agor.provider')
local rpc = require('agor.rpc')
local state = require('agor.state')

local M = {}

---Where the session's agent has its account.
---@param conf agor.Provider
---@param started table what the session was started with
---@return table<string, string>
local function account(conf, started)
  local out = { CLAUDE_CONFIG_DIR = started.claude_config_dir }
  if conf.config_env and started.config_dir then
    out[conf.config_env] = started.config_dir
  end
  return out
end

---The environment that the session's agent has: without a session, that of the next one.
---@param conf agor.Provider
---@param row agor.Row|nil
---@return table<string, string>
local function environ(conf, row)
  local out = environment.of(conf)
  local started = row and state.starts[row.session_id] or {}
  return vim.tbl_extend('force', out, account(conf, started), started.extra_env or {})
end

---The command where the agent is.
---@param conf agor.Provider
---@param row agor.Row|nil
---@param command string[]
---@param more table<string, string>|nil variables of this login alone
---@return string[]
local function behind(conf, row, command, more)
  if not conf.wrap then
    return command
  end
  local started = row and state.starts[row.session_id] or {}
  local env =
    vim.tbl_extend('force', conf.env, account(conf, started), started.extra_env or {}, more or {})
  return place.command(conf, command, { terminal = true, env = env })
end

---@param name string
---@param command string[]
---@param env table<string, string>
---@param done fun(code: integer)
local function terminal(name, command, env, done)
  local found = require('agor.programs').command(command)
  if not found then
    local conf = provider.get(name)
    local how = conf and conf.install and (': install it with ' .. conf.install) or ''
    return message.error(('%s was not found%s'):format(command[1], how))
  end
  if vim.fn.getcmdwintype() ~= '' then
    return message.error('close the command-line window first: no terminal can open beside it')
  end
  local height = math.max(math.floor(vim.o.lines * 0.4), 3)
  local win = vim.api.nvim_open_win(vim.api.nvim_create_buf(true, false), true, {
    split = 'below',
    win = -1,
    height = height,
  })
  -- With 'equalalways', and beside windows of a fixed height, it would be what is left over.
  vim.api.nvim_win_set_height(win, height)
  local ok, job = pcall(vim.fn.jobstart, found, {
    term = true,
    clear_env = true,
    -- Neovim would give the program a handle on itself.
    env = vim.tbl_extend('force', env, { NVIM = '' }),
    -- A login is of an account, and some programs obey what lies in the directory that they are started in.
    cwd = vim.uv.os_homedir(),
    on_exit = function(_, code)
      done(code)
    end,
  })
  if not ok or job <= 0 then
    vim.cmd('close')
    return message.error(
      ('the login of %s could not be started: %s'):format(name, message.line(job))
    )
  end
  vim.cmd('startinsert')
end

---@param name string
---@param code integer
local function tell_end(name, code)
  if code == 0 then
    message.info(('the login of %s has ended: send the prompt again'):format(name))
  else
    message.error(
      ('the login of %s has failed (exit code %d): its terminal says why'):format(name, code)
    )
  end
end

---@param row agor.Row
---@param login table a Login of src/domain/capabilities.rs
local function tell_backend(row, login)
  local params = { session_id = row.session_id, login = login.id }
  local ok, failed = rpc.notify('login', params, function(err)
    if err then
      message.error(('the login of %s has failed: %s'):format(row.provider, err))
    else
      message.info(('%s is logged in: send the prompt again'):format(row.provider))
    end
  end)
  if not ok then
    message.error(failed or 'the backend is not running')
  end
end

---@param row agor.Row
---@param conf agor.Provider
---@param login table
local function run(row, conf, login)
  if not login.terminal then
    return tell_backend(row, login)
  end
  -- The agent's own program, with other arguments: behind its wrapper, and where it is found.
  local program = conf.command and conf.command[1]
  if not conf.wrap or not program then
    program = provider.programs(row.provider)[1]
  end
  if not program then
    local how = conf.install and (': install it with ' .. conf.install) or ''
    return message.error(('%s was not found%s'):format(row.provider, how))
  end
  local command = vim.list_extend({ program }, login.terminal.args or {})
  local env = vim.tbl_extend('force', environ(conf, row), login.terminal.env or {})
  command = behind(conf, row, command, login.terminal.env)
  terminal(row.provider, command, env, function(code)
    if code == 0 then
      tell_backend(row, login)
    else
      tell_end(row.provider, code)
    end
  end)
end

---The ways that the agent itself offers.
---@param row agor.Row
---@param conf agor.Provider
---@param logins table[]
local function choose(row, conf, logins)
  if #logins == 1 then
    return run(row, conf, logins[1])
  end
  require('agor.pick').one(logins, {
    prompt = ('Log in to %s:'):format(row.provider),
    kind = 'agor_choice',
    format_item = function(login)
      return require('agor.choices').label(login)
    end,
  }, function(login)
    if login then
      run(row, conf, login)
    end
  end)
end

---`:Agor login [provider]`.
---@param call agor.Call
function M.login(call)
  local row = mirror.current()
  local name, none = call.args ~= '' and call.args or (row and row.provider), nil
  if not name then
    name, none = provider.default()
    if not name then
      return message.error(none or 'no agent was found')
    end
  end
  local conf = provider.get(name)
  if not conf then
    return message.error(provider.unknown(name))
  end
  if row and row.provider ~= name then
    row = nil
  end
  local logins = row and row.capabilities.logins or {}
  if row and #logins > 0 then
    return choose(row, conf, logins)
  end
  if not conf.login then
    return message.error(
      ('%s has no login of its own (providers.%s.login names the command of one)'):format(
        name,
        name
      )
    )
  end
  local command = vim.deepcopy(conf.login)
  if not conf.wrap and require('agor.programs').find(command[1]) == '' then
    command[1] = provider.programs(name)[1] or command[1]
  end
  command = behind(conf, row, command)
  terminal(name, command, environ(conf, row), function(code)
    tell_end(name, code)
  end)
end

return M
