-- The configuration: presets, then vim.g.agor, then setup(), merged deeply and checked. What each key may be is in
-- config_schema.lua; what is wrong is said once with its path, and what is right around it is used.

local message = require('agor.message')
local near = require('agor.near')
local presets = require('agor.presets')
local schema = require('agor.config_schema')
local state = require('agor.state')

local M = {}

---@type agor.Config|nil
local current = nil
---@type any the vim.g.agor that `current` was made of
local source = nil
---@type string[] what was wrong with it
local problems = {}

---What a table must be, said to whoever has written something else in its place: where that fits one key of it alone, how it
---is written.
---@param value any
---@param rules table<string, agor.Check|table>
---@param path string
---@return string
local function table_of(value, rules, path)
  local keys, fits = vim.tbl_keys(rules), {}
  local plain = vim.list_contains({ 'string', 'number', 'boolean' }, type(value))
  for key, rule in pairs(rules) do
    if plain and type(rule) == 'function' and rule(value) ~= nil then
      table.insert(fits, key)
    end
  end
  if #fits == 1 then
    return ('must be a table: %s = { %s = %s }'):format(path, fits[1], vim.inspect(value))
  end
  table.sort(keys)
  return 'must be a table with ' .. table.concat(keys, ', ')
end

---@param target table what the checked values go into
---@param value any
---@param rules table<string, agor.Check|table>
---@param path string
---@param complain fun(path: string, what: string)
local function merge(target, value, rules, path, complain)
  if type(value) ~= 'table' or (vim.islist(value) and #value > 0) then
    if path == '' then
      complain('the configuration', 'must be a table')
    else
      complain(path, table_of(value, rules, path))
    end
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
      if type(wrong) == 'table' then
        for _, one in ipairs(wrong) do
          complain(here .. '.' .. one[1], one[2])
        end
      elseif wrong then
        complain(here, wrong)
      end
      if ok == nil then
        -- What is there stays.
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
      merge(target, item, schema.provider, path, complain)
      if target.protocol ~= preset and (type(item.command) ~= 'table') then
        -- The preset's program speaks the preset's protocol.
        target.command = item.command == false and false or nil
      end
      if target.protocol ~= preset and item.untrusted == nil then
        -- Those are words of the preset's program.
        target.untrusted = nil
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
      merge(config, rest, schema.config, '', complain)
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
