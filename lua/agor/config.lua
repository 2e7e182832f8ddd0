-- The configuration: presets, then vim.g.agor, then setup(), merged deeply and checked. Knows what each key may be;
-- what is wrong is said once with its path, and what is right around it is used.

local message = require('agor.message')
local near = require('agor.near')
local presets = require('agor.presets')
local state = require('agor.state')

local M = {}

---@alias agor.Check fun(value: any): any, string|nil the value to use, or nil and what it must be

---@type agor.Config|nil
local current = nil
---@type any the vim.g.agor that `current` was made of
local source = nil
---@type string[] what was wrong with it
local problems = {}

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

local text = kind('string')
local boolean = kind('boolean')

---@type table<string, agor.Check>
local provider_schema = {
  protocol = text,
  command = command,
  env = environment,
  pass_env = strings,
  model = text,
  mode = text,
  permission_mode = text,
  system_prompt = text,
  additional_directories = strings,
  max_turns = number(1, true),
  wrap = strings,
  login = strings,
  install = text,
  program = text,
  also = strings,
}

---@type table<string, agor.Check|table<string, agor.Check>>
local schema = {
  provider = text,
  order = strings,
  root = root,
  binary = text,
  runner_roots = strings,
  window = {
    position = one_of('right', 'left', 'bottom', 'top', 'float', 'tab'),
    width = number(0.05, false),
    height = number(0.05, false),
    min_width = number(1, true),
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
  policy = kind('table'),
  queue = kind('table'),
  worktree = kind('table'),
}

---@param target table what the checked values go into
---@param value any
---@param rules table<string, agor.Check|table>
---@param path string
---@param complain fun(path: string, what: string)
local function merge(target, value, rules, path, complain)
  if type(value) ~= 'table' or (vim.islist(value) and #value > 0) then
    complain(path == '' and 'the configuration' or path, 'must be a table')
    return
  end
  for key, item in pairs(value) do
    local here = path == '' and tostring(key) or path .. '.' .. tostring(key)
    local rule = rules[key]
    if not rule then
      local hint = type(key) == 'string' and near.hint(key, vim.tbl_keys(rules)) or ''
      complain(here, 'is no key of the configuration' .. hint)
    elseif type(rule) == 'table' then
      merge(target[key], item, rule, here, complain)
    else
      local ok, wrong = rule(item)
      if wrong then
        complain(here, wrong)
      elseif type(ok) == 'table' and type(target[key]) == 'table' and not vim.islist(ok) then
        for name, one in pairs(ok) do
          target[key][name] = vim.deepcopy(one)
        end
      else
        target[key] = vim.is_callable(ok) and ok or vim.deepcopy(ok)
      end
    end
  end
end

---@param config agor.Config
---@param value any
---@param complain fun(path: string, what: string)
local function merge_providers(config, value, complain)
  if type(value) ~= 'table' then
    complain('providers', 'must be a table')
    return
  end
  for name, item in pairs(value) do
    local path = 'providers.' .. tostring(name)
    if type(name) ~= 'string' or not name:match('^%w[%w._-]*$') then
      complain(path, "is no name for a provider: use letters, digits, '.', '_' and '-'")
    elseif type(item) ~= 'table' then
      complain(path, 'must be a table')
    else
      local known = config.providers[name]
      local target = known or { env = {}, pass_env = {} }
      local preset = target.protocol
      merge(target, item, provider_schema, path, complain)
      if target.protocol ~= preset and (type(item.command) ~= 'table') then
        -- The preset's program speaks the preset's protocol.
        target.command = item.command == false and false or nil
      end
      if not target.protocol and target.command == false then
        target.protocol = 'sidecar'
      end
      if target.protocol then
        config.providers[name] = target
      else
        complain(path .. '.protocol', "is missing: 'claude', 'sidecar' or another protocol")
      end
    end
  end
end

---A configuration merged of the presets and any number of users' parts. Never throws.
---@param ... any
---@return agor.Config config
---@return string[] problems one sentence each
function M.build(...)
  local config = presets.new()
  local wrong = {}
  local function complain(path, what)
    table.insert(wrong, ('%s %s'):format(path, what))
  end
  for i = 1, select('#', ...) do
    local part = select(i, ...)
    if type(part) == 'table' then
      local providers = part.providers
      local rest = {}
      for key, item in pairs(part) do
        if key ~= 'providers' then
          rest[key] = item
        end
      end
      merge(config, rest, schema, '', complain)
      if providers ~= nil then
        merge_providers(config, providers, complain)
      end
    elseif part ~= nil then
      complain('the configuration', 'must be a table, not a ' .. type(part))
    end
  end
  table.sort(wrong)
  return config, wrong
end

---@return any value
---@return string|nil problem
local function global()
  local value = vim.g.agor
  if vim.is_callable(value) then
    local ok, result = pcall(value)
    if not ok then
      return nil, 'vim.g.agor fails: ' .. message.line(result)
    end
    return result
  end
  return value
end

---@return agor.Config
local function rebuild()
  source = vim.g.agor
  local value, failed = global()
  local config, wrong = M.build(value, state.options)
  if failed then
    table.insert(wrong, failed)
  end
  current, problems = config, wrong
  for _, problem in ipairs(wrong) do
    message.once('config: ' .. problem, 'in your configuration, ' .. problem, 'warn')
  end
  return config
end

---The complete configuration. Cheap; do not change what it returns.
---@return agor.Config
function M.get()
  return current or rebuild()
end

---As get(), but sees a vim.g.agor that was changed since: for the start of a session.
---@return agor.Config
function M.refresh()
  if current and vim.is_callable(source) and vim.is_callable(vim.g.agor) then
    return rebuild()
  end
  if current and vim.deep_equal(source, vim.g.agor) then
    return current
  end
  return rebuild()
end

---@return string[] what is wrong with the configuration, for the health check
function M.problems()
  M.get()
  return problems
end

---@param options? agor.UserConfig
function M.setup(options)
  state.options = options
  current = nil
  rebuild()
end

return M
