-- Text of the current buffer on its way to an agent: as a prompt, along with a prompt, or into the draft.
-- Knows selections and the current session; used by commands, maps and the operator alike.

local context = require('agor.context')
local launch = require('agor.launch')
local message = require('agor.message')
local mirror = require('agor.mirror')
local state = require('agor.state')

local M = {}

---@param id string
local function open_prompt(id)
  local ok, why = require('agor.ui.pane').open(id, { focus = 'prompt' })
  if ok == false then
    message.error(why or 'the prompt could not be opened')
  end
end

---Words, a selection, or both; neither opens the prompt.
---@param words string|nil
---@param taken agor.Selection|nil
---@param session? string
function M.send(words, taken, session)
  local row = session and mirror.get(session) or mirror.current()
  if not words and not taken then
    if row then
      return open_prompt(row.session_id)
    end
    return launch.start({})
  end
  if not words and taken and vim.trim(taken.text) == '' then
    return message.warn('the selection is blank: nothing was sent')
  end
  local text = words or taken and taken.text
  local along = taken
  if not words and taken then
    -- The text is the prompt itself, exactly; where it is from goes along.
    along = context.place(taken)
  end
  if not row then
    return launch.start({ prompt = text }, along)
  end
  local ok, failed = require('agor').send(text or '', {
    session = row.session_id,
    context = along and { context.for_session(along, row.cwd) } or nil,
  })
  if not ok then
    message.error(failed or 'the prompt could not be sent')
  end
end

---Into the draft, not sent.
---@param text string|nil
---@param taken agor.Selection|nil
function M.draft(text, taken)
  local function fill(id)
    local row = mirror.get(id)
    local prompt = require('agor.ui.prompt')
    if taken and row then
      prompt.attach(id, context.for_session(taken, row.cwd))
    end
    if text then
      prompt.insert(id, text)
    end
  end
  local row = mirror.current()
  if row then
    open_prompt(row.session_id)
    return fill(row.session_id)
  end
  launch.start({}, nil, fill)
end

---@type boolean an operator has just been typed, `.` has not
local fresh = false

---@return string keys for an <expr> map
function M.operator()
  fresh = true
  vim.o.operatorfunc = "v:lua.require'agor.send'.operatorfunc"
  return 'g@'
end

---Asks for the words once; `.` uses them again.
---@param kind 'char'|'line'|'block'
function M.operatorfunc(kind)
  local taken = context.motion(kind)
  local function go(words)
    M.send(words ~= '' and words or nil, taken)
  end
  if not fresh then
    return go(state.operator_words or '')
  end
  fresh = false
  require('agor.pick').line({ prompt = 'Prompt (empty: the text itself): ' }, function(words)
    if words then
      state.operator_words = words
      go(words)
    end
  end)
end

return M
