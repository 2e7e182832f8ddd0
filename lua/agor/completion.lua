-- What a word of a prompt may become: `@path`, `#context`, `/command` with what may follow it, and what stands after a `!`.
-- Knows a line, the place of the cursor in it, and the session; draws no menu and changes no text.

local M = {}

---@alias agor.CompletionKind 'command'|'value'|'file'|'context'|'shell'

---@class agor.Trigger a word that can be completed
---@field kind agor.CompletionKind
---@field col integer where it begins, in bytes from 0
---@field lead string what stands there
---@field name? string of a `value`: the command that it belongs to

---@class agor.CompletionChoice
---@field word string what the word becomes
---@field abbr? string what is shown in its place
---@field about? string what it is
---@field open? boolean more is to follow: a directory's name

---@param buf integer
---@return agor.Row|nil
local function session(buf)
  return require('agor.mirror').get(vim.b[buf].agor_session)
end

---The word after a sign that stands at the line's beginning or after white space.
---@param before string
---@param sign string
---@param shape string a pattern without captures
---@return string|nil
local function after(before, sign, shape)
  return before:match('^' .. sign .. '(' .. shape .. ')$')
    or before:match('%s' .. sign .. '(' .. shape .. ')$')
end

---What is being typed before a column.
---@param buf integer
---@param line string
---@param col integer of the cursor, in bytes from 0
---@param first boolean the line is the first of the words: commands stand nowhere else
---@return agor.Trigger|nil
function M.trigger(buf, line, col, first)
  local before = line:sub(1, col)
  local row = session(buf)
  if not row then
    return nil
  end
  ---@param kind agor.CompletionKind
  ---@param length integer
  ---@param name? string
  ---@return agor.Trigger
  local function found(kind, length, name)
    return { kind = kind, col = col - length, lead = before:sub(col - length + 1), name = name }
  end
  if first and before:match('^/[%w_:.-]*$') then
    return found('command', col)
  end
  local name, value = before:match('^/(%a+)%s+(%S*)$')
  local command = first and name and require('agor.slash').find(row, name)
  if command and command.values then
    return found('value', #value, name)
  end
  local word = first and (before:match('^!.*%s(%S*)$') or before:match('^!(%S*)$'))
  if word then
    return found('shell', #word)
  end
  -- In the middle of a word nothing is completed: the rest of it would stay.
  if line:sub(col + 1, col + 1):match('%S') then
    return nil
  end
  local path = after(before, '@', '"[^"]*') or after(before, '@', '[^%s"]*')
  if path then
    return found('file', #path + 1)
  end
  local context = after(before, '#', '%a*')
  if context then
    return found('context', #context + 1)
  end
end

---@param choices table[]
---@return agor.CompletionChoice[]
local function values(choices)
  return vim.tbl_map(function(choice)
    local text = choice.description ~= '' and choice.description or choice.name
    return { word = choice.id, about = text or '' }
  end, choices)
end

---@param before string
---@param word string
---@return agor.CompletionChoice[]
local function shell(before, word)
  local kind = before:match('^!%s*$') and 'shellcmd' or 'file'
  local found = vim.fn.getcompletion(word, kind)
  return vim.tbl_map(function(one)
    return { word = one }
  end, vim.list_slice(found, 1, 200))
end

---@param choices agor.CompletionChoice[]
---@param lead string
---@return agor.CompletionChoice[]
local function matching(choices, lead)
  return vim.tbl_filter(function(one)
    return vim.startswith(one.word, lead)
  end, choices)
end

---Whether the choices come later, by the backend, and have been matched by it.
---@param trigger agor.Trigger
---@return boolean
function M.is_late(trigger)
  return trigger.kind == 'file'
end

---What the word may become. What is known at once is told at once; files come when the backend has found them, perhaps
---several times, until `done` returns false or another word is asked for.
---@param buf integer
---@param trigger agor.Trigger
---@param line string up to the cursor
---@param done fun(choices: agor.CompletionChoice[], more: boolean): boolean|nil
---@param again? boolean the user has asked: look anew at what may have changed
function M.choices(buf, trigger, line, done, again)
  local row = session(buf)
  if not row then
    return done({}, false)
  end
  local kind = trigger.kind
  if kind == 'file' then
    return require('agor.completion.files').find(row, trigger.lead, again or false, done)
  end
  local choices
  if kind == 'command' then
    choices = vim.tbl_map(function(command)
      return { word = '/' .. command.name, about = command.description }
    end, require('agor.slash').commands(row))
  elseif kind == 'value' then
    local command = require('agor.slash').find(row, trigger.name or '')
    choices = values(command and row.capabilities[command.values] or {})
  elseif kind == 'context' then
    choices = vim.tbl_map(function(mention)
      return { word = mention.word, about = mention.about }
    end, require('agor.mentions').list)
  else
    choices = shell(line:sub(1, trigger.col), trigger.lead)
  end
  done(matching(choices, trigger.lead), false)
end

return M
