--- A prompt of the queue in the prompt window: its text goes back to its place there, and the draft that was written
--- before comes back after it. Meanwhile the backend sends neither it nor what is behind it.

local M = {
  filling = false, -- what is edited is on its way into the window
}

---@class agor.Editing
---@field entry string the prompt that waits
---@field lines string[] the draft that was there before
---@field attachments table<string, agor.Context|agor.ImageAttachment> of that draft

--- What was kept on disk, if it is whole.
---@param value any
---@return agor.Editing?
function M.checked(value)
  if type(value) ~= 'table' or type(value.entry) ~= 'string' or type(value.lines) ~= 'table' then
    return nil
  end
  for _, line in ipairs(value.lines) do
    if type(line) ~= 'string' or line:find('\n') then
      return nil
    end
  end
  local attachments = type(value.attachments) == 'table' and value.attachments or {}
  return { entry = value.entry, lines = value.lines, attachments = attachments }
end

--- The draft of before is there again.
---@param buf integer
local function unpark(buf)
  local prompt = require('agor.ui.prompt')
  local state = prompt.state(buf) --[[@as agor.PromptState]]
  local editing = state.editing --[[@as agor.Editing]]
  state.editing = nil
  state.attachments = vim.tbl_extend('force', state.attachments, editing.attachments)
  prompt.set(buf, #editing.lines > 0 and editing.lines or { '' })
end

--- It waits again, as it was.
---@param buf integer
function M.leave(buf)
  local state = require('agor.ui.prompt').state(buf)
  if not state or not state.editing then
    return
  end
  local params = { session_id = state.session_id, entry = state.editing.entry }
  -- That it has gone meanwhile is nothing that whoever leaves it alone has to know.
  require('agor.rpc').notify('queue_edit', params, function() end)
  unpark(buf)
end

--- Its new text is on the way.
---@param buf integer
---@param text string
function M.done(buf, text)
  local state = require('agor.ui.prompt').state(buf) --[[@as agor.PromptState]]
  local session = require('agor.mirror').get(state.session_id)
  require('agor.ui.drafts').remember(text, session and session.cwd or nil)
  unpark(buf)
end

--- A prompt that comes back meanwhile is part of the draft of before, not of what is edited.
---@param buf integer
---@param said { text: string, context: agor.Context[]?, images: { path: string }[]? }
---@return boolean taken false: nothing is edited here
function M.take_in(buf, said)
  local state = require('agor.ui.prompt').state(buf)
  local editing = state and state.editing
  if not editing or M.filling then
    return false
  end
  local above = {}
  local function attach(what)
    local line = require('agor.ui.draft').label(what)
    editing.attachments[line] = what
    above[#above + 1] = line
  end
  for _, context in ipairs(said.context or {}) do
    if not context.word then
      attach(context)
    end
  end
  for _, image in ipairs(said.images or {}) do
    attach({ path = image.path, image = image.path, size = 0 })
  end
  if vim.trim(said.text or '') ~= '' then
    vim.list_extend(above, vim.split(said.text, '\n', { plain = true }))
  end
  editing.lines = vim.list_extend(above, editing.lines)
  return true
end

--- Puts a prompt that waits into the prompt window.
---@param session_id string
---@param entry string
---@param said { text: string, context: agor.Context[]?, images: { path: string }[]? }
function M.begin(session_id, entry, said)
  local prompt = require('agor.ui.prompt')
  local buf = prompt.buffer(session_id)
  local state = prompt.state(buf) --[[@as agor.PromptState]]
  if state.editing and state.editing.entry ~= entry then
    -- One after the other: what was changed of the first goes to its place.
    require('agor.ui.prompt_send').submit(buf)
  end
  if state.editing then
    return
  end
  local lines = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
  local used = {}
  for _, line in ipairs(lines) do
    used[line] = state.attachments[line]
  end
  state.editing = { entry = entry, lines = lines, attachments = used }
  prompt.set(buf, { '' })
  local context = vim.tbl_filter(function(one)
    -- What the user's commands have said stays with it.
    return (one.command or '') == '' or one.word ~= nil
  end, said.context or {})
  M.filling = true
  prompt.restore(session_id, { text = said.text, context = context, images = said.images })
  M.filling = false
end

return M
