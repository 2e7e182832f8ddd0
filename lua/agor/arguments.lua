-- The raw rest of a command line, taken apart. Pure: knows words, keys and quoting, nothing of sessions or files.

local near = require('agor.near')

local M = {}

---@class agor.Arguments
---@field provider string|nil
---@field options table<string, string|string[]>
---@field prompt string|nil byte for byte as typed
---@field doubtful string|nil the provider that the first word is one edit away from
---@field first string|nil that first word

M.keys = {
  'provider',
  'cwd',
  'model',
  'mode',
  'effort',
  'permission_mode',
  'system_prompt',
  'max_turns',
  'config_dir',
  'claude_config_dir',
  'add_dir',
  'worktree',
  'resume_mode',
  'resume',
}

---A word of the line, in which a backslash keeps a space.
---@param raw string
---@param at integer
---@return string word as written
---@return integer after
local function word(raw, at)
  local from = at
  while at <= #raw do
    local char = raw:sub(at, at)
    if char == '\\' and raw:sub(at + 1, at + 1):match('%s') then
      at = at + 2
    elseif char:match('%s') then
      break
    else
      at = at + 1
    end
  end
  return raw:sub(from, at - 1), at
end

---@param value string
---@param env fun(name: string): string|nil
---@return string
local function expand(value, env)
  value = value:gsub('\\(%s)', '%1')
  if value == '~' or vim.startswith(value, '~/') then
    value = (env('HOME') or '~') .. value:sub(2)
  end
  local function variable(whole, name)
    return env(name) or whole
  end
  value = value:gsub('(%${([%a_][%w_]*)})', variable)
  return (value:gsub('(%$([%a_][%w_]*))', variable))
end

---@param raw string
---@param providers string[]
---@param env? fun(name: string): string|nil
---@return agor.Arguments|nil
---@return string|nil message
function M.start(raw, providers, env)
  env = env or os.getenv
  ---@type agor.Arguments
  local out = { options = {} }
  local at, is_first = raw:find('%S') or #raw + 1, true
  while at <= #raw do
    local text, after = word(raw, at)
    local key, value = text:match('^(%a[%w_]*)=(.*)$')
    if text == '--' then
      -- One blank ends the options; whatever follows it is the prompt's.
      out.prompt = raw:sub(after + 1)
      break
    elseif key and value then
      if not vim.list_contains(M.keys, key) then
        return nil,
          ('unknown key "%s"%s; `--` before the prompt lets it begin with any word'):format(
            key,
            near.hint(key, M.keys)
          )
      end
      local expanded = expand(value, env)
      if expanded == '' then
        return nil, key .. '= needs a value'
      elseif key == 'add_dir' then
        local dirs = out.options.add_dir or {}
        table.insert(dirs --[[@as string[] ]], expanded)
        out.options.add_dir = dirs
      elseif out.options[key] then
        return nil, key .. '= is given twice'
      else
        out.options[key] = expanded
      end
    elseif not out.provider and vim.list_contains(providers, text) then
      out.provider = text
    else
      if is_first and not vim.list_contains(providers, text) then
        out.doubtful = near.nearest(text, providers, 1)
        out.first = text
      end
      out.prompt = raw:sub(at)
      break
    end
    is_first = false
    at = raw:find('%S', after) or #raw + 1
  end
  if out.prompt == '' then
    out.prompt = nil
  end
  if out.options.provider then
    if out.provider and out.provider ~= out.options.provider then
      return nil, ('two providers are given, %s and %s'):format(out.provider, out.options.provider)
    end
    out.provider = out.options.provider --[[@as string]]
    out.options.provider = nil
  end
  return out
end

---`[@session] [--] [prompt…]`
---@param raw string
---@param sessions string[]
---@return { session: string|nil, prompt: string|nil }|nil
---@return string|nil message
function M.send(raw, sessions)
  local text, session = raw:gsub('^%s+', ''), nil
  local name, rest = text:match('^@([%w._-]+)%s*(.*)$')
  local whole = text:match('^@(%S+)')
  if name and rest and whole == name then
    if vim.list_contains(sessions, name) then
      session, text = name, rest
    else
      local meant = near.nearest(name, sessions, 3)
      if meant then
        return nil,
          ('no session %s (did you mean @%s?); `--` before the prompt lets it begin with any word'):format(
            name,
            meant
          )
      end
    end
  end
  if text == '--' then
    text = ''
  elseif vim.startswith(text, '-- ') then
    text = text:sub(4)
  end
  return { session = session, prompt = text ~= '' and text or nil }
end

return M
