-- What each key of the configuration may be: a table of checks, shaped like the configuration. Pure: merges nothing, says
-- nothing.

local near = require('agor.near')

local M = {}

---What may be in a place: the value to use, or nil and what it must be. A check of a whole table uses what is right in it
---and says of each part what is wrong there.
---@alias agor.Check fun(value: any): any, string|agor.Wrong[]|nil

---@class agor.Wrong
---@field [1] string the path below the key
---@field [2] string what is wrong there

---@param name string
---@return agor.Check
local function kind(name)
  return function(value)
    if type(value) == name then
      return value
    end
    return nil, 'must be a ' .. name
  end
end

---@param ... any
---@return agor.Check
local function one_of(...)
  local allowed = { ... }
  return function(value)
    if vim.list_contains(allowed, value) then
      return value
    end
    return nil, 'must be one of ' .. table.concat(vim.tbl_map(vim.inspect, allowed), ', ')
  end
end

---@param value any
---@return any, string|nil
local function strings(value)
  if type(value) == 'table' and vim.islist(value) then
    for _, item in ipairs(value) do
      if type(item) ~= 'string' or item == '' then
        return nil, 'must be a list of strings'
      end
    end
    return value
  end
  return nil, 'must be a list of strings'
end

---@param value any
---@return any, string|nil
local function wrap(value)
  if strings(value) and #value > 0 then
    return value
  end
  return nil, "must be a list with a program and its arguments, such as { 'ssh', 'host' }"
end

---@param value any
---@return any, string|nil
local function command(value)
  if value == false then
    return value
  end
  if strings(value) and #value > 0 then
    return value
  end
  return nil, 'must be a list with a program and its arguments, or false to find the runner'
end

---@param value any
---@return any, string|nil
local function version(value)
  if value == false or (strings(value) and #value > 0) then
    return value
  end
  return nil, 'must be a list of arguments, or false if it says none'
end

---@param value any
---@return any, string|nil
local function environment(value)
  if type(value) ~= 'table' then
    return nil, 'must be a table of strings'
  end
  local out = {}
  for key, item in pairs(value) do
    local scalar = type(item) == 'string' or type(item) == 'number' or type(item) == 'boolean'
    if type(key) ~= 'string' or not scalar or key == '' or key:find('[=%z]') then
      return nil, 'must be a table of strings'
    end
    out[key] = tostring(item)
  end
  return out
end

---Directories here, each with its name elsewhere.
---@param value any
---@return any, string|nil
local function paths(value)
  local wrong = 'must be a table: a whole path here = the whole path there'
  if type(value) ~= 'table' then
    return nil, wrong
  end
  local out = {}
  for from, to in pairs(value) do
    local path = type(from) == 'string' and vim.fs.normalize(from) or ''
    if not path:match('^/') or type(to) ~= 'string' or not to:match('^/') then
      return nil, wrong
    end
    out[path] = to
  end
  return out
end

---Below the session's directory and those above it.
---@param value any
---@return any, string|nil
local function trust_files(value)
  if not strings(value) then
    return nil, 'must be a list of strings'
  end
  for _, path in ipairs(value) do
    local rest = path:gsub('^%.%./', '')
    if rest:match('^[/~]') or rest:match('%f[^/%z]%.%.%f[/%z]') or rest:match('%*.*/') then
      return nil,
        ('has "%s": paths are relative, `../` only begins one, and * is in the last name only'):format(
          path
        )
    end
  end
  return value
end

---@param least number
---@param whole boolean
---@return agor.Check
local function number(least, whole)
  return function(value)
    local fits = type(value) == 'number' and value >= least and value < 1e6
    if fits and (not whole or value == math.floor(value)) then
      return value
    end
    return nil, ('must be a %s of at least %s'):format(whole and 'whole number' or 'number', least)
  end
end

---Seconds of silence until an agent is taken to be stalled.
---@param value any
---@return any, string|nil
local function patience(value)
  if value == false or number(1, true)(value) then
    return value
  end
  return nil, 'must be a whole number of seconds of at least 1, or false'
end

---@param value any
---@return any, string|nil
local function root(value)
  if value == 'auto' or value == 'cwd' or vim.is_callable(value) then
    return value
  end
  if strings(value) and #value > 0 then
    return value
  end
  return nil, "must be 'auto', 'cwd', a list of marker names or a function"
end

---@param value any
---@return any, string|nil
local function named(value)
  if type(value) == 'string' and value:find('{name}', 1, true) then
    return value
  end
  return nil, "must be a string with '{name}' in it"
end

---@param value any
---@return any, string|nil
local function worktree_directory(value)
  if vim.is_callable(value) or named(value) then
    return value
  end
  return nil, "must be a string with '{name}' in it, or a function that returns a path"
end

---@param value any
---@return any, string|nil
local function releases(value)
  if type(value) == 'string' and (value:find('^https://.') or value:find('^file:///')) then
    return value
  end
  return nil, 'must be an address that begins with https:// or file:///'
end

---@param value any
---@return agor.Policy
---@return string|agor.Wrong[]|nil
local function policy(value)
  return require('agor.policy').check(value)
end

local text = kind('string')
local boolean = kind('boolean')

---@param name string
---@param item any
---@param complain fun(path: string, what: string)
---@return agor.McpServer|nil
local function mcp_server(name, item, complain)
  local known = {
    command = strings,
    env = environment,
    url = text,
    headers = environment,
    sse = boolean,
    name = text,
  }
  if type(item) ~= 'table' then
    return complain(name, 'must be a table with command or url')
  end
  local out, right = {}, true
  for key, value in pairs(item) do
    local check = known[key]
    local ok, wrong
    if check then
      ok, wrong = check(value)
    else
      wrong = 'is no key of an MCP server' .. near.hint(tostring(key), vim.tbl_keys(known))
    end
    if wrong then
      right = false
      complain(('%s.%s'):format(name, tostring(key)), wrong --[[@as string]])
    elseif key ~= 'name' then
      out[key] = ok
    end
  end
  if not right then
    return nil
  end
  local program, address = out.command ~= nil and #out.command > 0, (out.url or '') ~= ''
  if program == address then
    return complain(
      name,
      'must have either command, a program and its arguments, or url, an address'
    )
  elseif program and (out.headers or out.sse ~= nil) then
    return complain(name, 'has a command, so headers and sse mean nothing')
  elseif address and out.env then
    return complain(name, 'has an url, so env means nothing: headers may be meant')
  elseif address and not out.url:match('^https?://') then
    return complain(name .. '.url', 'must begin with http:// or https://')
  end
  return out
end

---A list of servers that name themselves, or a map by name.
---@param value any
---@return table<string, agor.McpServer>|nil
---@return string|agor.Wrong[]|nil
local function mcp_servers(value)
  if type(value) ~= 'table' then
    return nil, 'must be a table of servers by name, or a list of servers with names'
  end
  local out, wrong = {}, {} ---@type table<string, agor.McpServer>, agor.Wrong[]
  local function complain(path, what)
    table.insert(wrong, { path, what })
  end
  for key, item in pairs(value) do
    local name = key
    if type(key) == 'number' then
      name = type(item) == 'table' and item.name or nil
    elseif type(item) == 'table' and item.name ~= nil and item.name ~= key then
      complain(tostring(key) .. '.name', 'is another name than its key')
      name = nil
    end
    if type(name) ~= 'string' or not name:match('^[%w._-]+$') then
      if type(key) == 'number' then
        complain(
          tostring(key) .. '.name',
          "is missing or no name: use letters, digits, '.', '_' and '-'"
        )
      elseif name ~= nil then
        complain(tostring(key), "is no name of a server: use letters, digits, '.', '_' and '-'")
      end
    else
      out[name] = mcp_server(tostring(key), item, complain)
    end
  end
  return out, #wrong > 0 and wrong or nil
end

---@type table<string, agor.Check>
M.provider = {
  protocol = text,
  command = command,
  env = environment,
  pass_env = strings,
  config_env = text,
  model = text,
  mode = text,
  permission_mode = text,
  system_prompt = text,
  additional_directories = strings,
  max_turns = number(1, true),
  effort = text,
  mcp_servers = mcp_servers,
  title = text,
  wrap = wrap,
  wrap_shell = boolean,
  paths = paths,
  login = strings,
  install = text,
  needs = strings,
  version = version,
  program = text,
  also = strings,
  watchdog = patience,
  policy = policy,
  trust_files = trust_files,
  untrusted = strings,
}

---@type table<string, agor.Check|table<string, agor.Check>>
M.config = {
  provider = text,
  order = strings,
  root = root,
  binary = text,
  releases = releases,
  runner_roots = strings,
  window = {
    position = one_of('right', 'left', 'bottom', 'top', 'float', 'tab'),
    width = number(0.05, false),
    height = number(0.05, false),
    min_width = number(1, true),
  },
  board = {
    position = one_of('float', 'left', 'right', 'bottom'),
    width = number(0.05, false),
    height = number(0.05, false),
  },
  keys = boolean,
  icons = one_of('unicode', 'nerd', 'ascii'),
  spinner = boolean,
  quit = one_of('ask', 'stop'),
  unsaved = one_of('warn', 'write', 'ignore'),
  notify = {
    level = one_of('debug', 'info', 'warn', 'error', 'off'),
    bell = boolean,
    desktop = one_of(true, false, 'auto'),
  },
  trace = boolean,
  log = { level = one_of('error', 'warn', 'info', 'debug', 'trace') },
  policy = policy,
  queue = { mode = one_of('queue', 'steer', 'interrupt') },
  resume = { picker = one_of('float', 'select') },
  watchdog = { after = patience },
  worktree = {
    directory = worktree_directory,
    branch = named,
    base = text,
    copy = strings,
    submodules = boolean,
  },
}

return M
