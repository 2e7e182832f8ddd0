-- Rules of what is allowed, asked about and forbidden (:h agor-policy): how they are written, what is wrong with one, and
-- which of them hold for a session. What they are held against is the backend's business.

local near = require('agor.near')

local M = {}

---@class agor.Rule
---@field tool string|nil
---@field command string|nil
---@field path string|nil
---@field host string|nil
---@field origin string|nil where it stands, in words
---@field at integer|nil its place in its list

---@class agor.Policy checked
---@field deny agor.Rule[]|nil
---@field ask agor.Rule[]|nil
---@field allow agor.Rule[]|nil
---@field unread string[]|nil rules that forbid or ask and cannot be read, by their places

---@class agor.UserPolicy
---@field deny? (string|agor.Rule)[]
---@field ask? (string|agor.Rule)[]
---@field allow? (string|agor.Rule)[]

---What may stand in brackets behind these tools.
---@type table<string, 'command'|'path'|'host'>
local KINDS = { command = 'command', read = 'path', edit = 'path', file = 'path', fetch = 'host' }
local FIELDS = { 'command', 'host', 'path', 'tool' }
local LISTS = { 'allow', 'ask', 'deny' }

---@param text string
---@return agor.Rule|nil
---@return string|nil wrong
local function short(text)
  local name, inner = text:match('^([^()]+)%((.*)%)$')
  if not name then
    if text:find('[()]') or not text:match('^[%w_.:/*-]+$') then
      return nil,
        ("'%s' is no rule: write a tool's name, or one such as 'command(git push *)'"):format(text)
    end
    return { tool = text }
  end
  name = vim.trim(name)
  local kind = KINDS[name]
  if not kind then
    return nil,
      ("'%s' is none of command, read, edit, file and fetch: for another tool write { tool = '%s', path = … }"):format(
        name,
        name
      )
  end
  inner = vim.trim(inner --[[@as string]])
  if kind == 'command' then
    return { command = inner }
  end
  return { tool = name ~= 'file' and name or nil, [kind] = inner }
end

---@param rule agor.Rule
---@return string|nil wrong
local function check(rule)
  for _, key in ipairs(FIELDS) do
    local value = rule[key]
    if value ~= nil and (type(value) ~= 'string' or vim.trim(value) == '' or value:find('%c')) then
      return ('%s must be a text of one line that is not empty'):format(key)
    end
  end
  local set = vim.tbl_filter(function(key)
    return rule[key] ~= nil
  end, { 'command', 'path', 'host' })
  if #set > 1 then
    return ('has %s: one of command, path and host is enough'):format(table.concat(set, ' and '))
  elseif #set == 0 and not rule.tool then
    return 'is about nothing: it needs tool, command, path or host'
  end
  local tool, kind = rule.tool, set[1]
  local wanted = tool and KINDS[tool]
  if kind and wanted and wanted ~= kind then
    return ("tool = '%s' goes with %s, not with %s"):format(tool, wanted, kind)
  elseif kind == 'command' and tool and tool ~= 'command' then
    return "command goes with tool = 'command' or none: whichever tool runs it is meant"
  end
  -- What would never fit anything is no rule: one that forbids would only look as if it did.
  if tool and tool:find('[()]') then
    return 'tool is a name alone: what would stand in brackets goes into command, path or host'
  end
  if rule.command and (rule.command:find('[;&|<>`\n]') or rule.command:find('$(', 1, true)) then
    return 'command is one command: each part of a line is judged by itself'
  elseif rule.command and (' ' .. rule.command .. ' '):find('[%s=]["\']') then
    return 'command has its words as programs get them: leave the quotes out, and write ? for a blank in a word'
  end
  if rule.path then
    local names = '/' .. rule.path:gsub('^%./', '') .. '/'
    if names:find('/../', 1, true) or names:find('/./', 1, true) then
      return "path must not have '..' or '.' in it"
    elseif rule.path:match('^~[^/]') then
      return "path may begin with '~/', not with another user's home"
    end
  end
  local host = rule.host and rule.host ~= '*' and rule.host:gsub('^%*%.', '')
  -- The colons of an address are several; one is a port's.
  if host and (not host:match('^[%w.:_-]*[%w:_-]$') or host:match('^[^:]*:[^:]*$')) then
    return "host is a machine's name without a port, such as 'docs.rs' or '*.rust-lang.org'"
  end
end

---One rule, as it may be written.
---@param value any
---@return agor.Rule|nil
---@return string|nil wrong
function M.rule(value)
  local rule, wrong
  if type(value) == 'string' then
    rule, wrong = short(vim.trim(value))
    if not rule then
      return nil, wrong
    end
  elseif type(value) == 'table' and not vim.islist(value) then
    rule = {}
    for key, item in pairs(value) do
      if not vim.list_contains(FIELDS, key) then
        return nil,
          ('%s is no key of a rule%s'):format(tostring(key), near.hint(tostring(key), FIELDS))
      end
      rule[key] = item
    end
  else
    return nil, 'must be a text or a table with tool, command, path or host'
  end
  wrong = check(rule)
  if wrong then
    return nil, wrong
  end
  for _, key in ipairs(FIELDS) do
    rule[key] = rule[key] and vim.trim(rule[key])
  end
  -- Whichever tool runs it.
  rule.tool = not rule.command and rule.tool or nil
  return rule
end

---A policy as it may be written: what is right in it, and what is wrong. A rule that forbids or asks and that cannot be
---read is kept as unread, which has everything asked: what it would have held back must not pass.
---@param value any
---@return agor.Policy
---@return agor.Wrong[]|string|nil
function M.check(value)
  if type(value) ~= 'table' or (vim.islist(value) and #value > 0) then
    return { unread = { '' } }, 'must be a table with deny, ask and allow'
  end
  local out, wrong = {}, {} ---@type agor.Policy, agor.Wrong[]
  local unread = {} ---@type string[]
  for key, list in pairs(value) do
    if not vim.list_contains(LISTS, key) then
      table.insert(
        wrong,
        { tostring(key), 'is no key of a policy' .. near.hint(tostring(key), LISTS) }
      )
      -- A misspelt `deny` is one.
      table.insert(unread, tostring(key))
    elseif type(list) ~= 'table' or not vim.islist(list) then
      table.insert(wrong, { key, 'must be a list of rules' })
      if key ~= 'allow' then
        table.insert(unread, key)
      end
    else
      out[key] = {}
      for i, item in ipairs(list) do
        local rule, what = M.rule(item)
        if rule then
          rule.at = i
          table.insert(out[key], rule)
        else
          local place = ('%s.%d'):format(key, i)
          table.insert(wrong, { place, what })
          if key ~= 'allow' then
            table.insert(unread, place)
          end
        end
      end
    end
  end
  table.sort(unread)
  out.unread = #unread > 0 and unread or nil
  return out, #wrong > 0 and wrong or nil
end

---@param into table
---@param policy agor.Policy|nil
---@param key string of the policy, where it stands
---@param where string
local function add(into, policy, key, where)
  for _, name in ipairs(LISTS) do
    ---@type agor.Rule[]
    local rules = policy and policy[name] or {}
    for _, rule in ipairs(rules) do
      local own = vim.deepcopy(rule)
      own.origin = ('%s.%s.%d in %s'):format(key, name, own.at or 0, where)
      own.at = nil
      into[name] = into[name] or {}
      table.insert(into[name], own)
    end
  end
  for _, place in ipairs(policy and policy.unread or {}) do
    into.unread = into.unread or {}
    local full = place == '' and key or ('%s.%s'):format(key, place)
    table.insert(into.unread, ('%s in %s'):format(full, where))
  end
end

---What holds for a session of an agent: of the configuration, of the agent's part of it, and of the project.
---@param provider string|nil
---@param own agor.ProjectConfig|nil
---@return table|nil policy as the backend takes it; nil: none
---@return string[] problems of the project's
function M.all(provider, own)
  local config, out, problems = require('agor.config').get(), {}, {}
  add(out, config.policy, 'policy', 'your configuration')
  local named = provider and config.providers[provider]
  if named then
    add(out, named.policy, ('providers.%s.policy'):format(provider), 'your configuration')
  end
  if own and own.policy ~= nil then
    local policy, wrong = M.check(own.policy)
    add(out, policy, 'policy', require('agor.project_config').name)
    if type(wrong) == 'string' then
      problems = { 'policy ' .. wrong }
    end
    for _, one in ipairs(type(wrong) == 'table' and wrong or {}) do
      table.insert(problems, ('policy.%s %s'):format(one[1], one[2]))
    end
    table.sort(problems)
  end
  return next(out) and out or nil, problems
end

---The same for a session that is about to start: what is wrong is told to the user, once.
---@param provider string
---@param own agor.ProjectConfig|nil
---@return table|nil
function M.of(provider, own)
  local out, problems = M.all(provider, own)
  if own and #problems > 0 then
    local said = ('in %s, %s'):format(
      vim.fn.strtrans(vim.fn.fnamemodify(own.path, ':~')),
      table.concat(problems, '; ')
    )
    require('agor.message').once('project: ' .. said, said, 'warn')
  end
  return out
end

---A rule as people write it.
---@param rule agor.Rule
---@return string
function M.words(rule)
  local inner = rule.command or rule.path or rule.host
  local tool = rule.tool or (rule.command and 'command') or (rule.path and 'file') or 'fetch'
  return inner and ('%s(%s)'):format(tool, inner) or tool
end

---@class agor.RuleRow
---@field effect 'deny'|'ask'|'allow'
---@field words string
---@field origin string

---All rules of the configuration and of a project, what forbids first; those of one agent alone are named so.
---@param own agor.ProjectConfig|nil
---@return agor.RuleRow[]
---@return string[] unread
function M.rows(own)
  local rows, policies = {}, { (M.all(nil, own)) or {} }
  local providers = require('agor.config').get().providers
  local names = vim.tbl_keys(providers)
  table.sort(names)
  for _, name in ipairs(names) do
    local out = {}
    add(out, providers[name].policy, ('providers.%s.policy'):format(name), 'your configuration')
    table.insert(policies, out)
  end
  local unread = {}
  for _, effect in ipairs({ 'deny', 'ask', 'allow' }) do
    for _, policy in ipairs(policies) do
      for _, rule in ipairs(policy[effect] or {}) do
        table.insert(rows, { effect = effect, words = M.words(rule), origin = rule.origin })
      end
    end
  end
  for _, policy in ipairs(policies) do
    vim.list_extend(unread, policy.unread or {})
  end
  return rows, unread
end

return M
