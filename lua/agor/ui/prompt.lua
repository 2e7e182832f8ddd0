--- The prompt: a draft of ordinary text with attachments as lines on top, sent whole.
---
--- Knows the draft, its history and its window's height; where the window is, is the pane's business, what becomes of a
--- prompt the backend's. How it is sent is in `prompt_send.lua`, which keys there are in `prompt_keys.lua`.

local api = vim.api

local M = {}

local draft = require('agor.ui.draft')

---@class agor.Context
---@field path string
---@field first_line integer
---@field last_line integer
---@field filetype string
---@field text string
---@field unsaved boolean?
---@field word string? the `#word` of the text that stands for it
---@field command string? whose output it is

---@class agor.ImageAttachment
---@field path string as its line names it
---@field image string the absolute path
---@field size integer bytes

---@class agor.PromptState
---@field session_id string
---@field attachments table<string, agor.Context|agor.ImageAttachment> by the line that stands for it
---@field recall agor.Recall? while the history is shown
---@field editing agor.Editing? the prompt of the queue that the draft is to replace
---@field dirty boolean

---@type table<integer, agor.PromptState>
local states = {}
do
  -- Drafts outlive a reload of our modules.
  local kept = require('agor.state')
  kept.ui = kept.ui or {}
  kept.ui.prompts = kept.ui.prompts or states
  states = kept.ui.prompts
end

-- ------------------------------------------------------------------ the draft

---@param buf integer
---@return string[]
local function lines_of(buf)
  return api.nvim_buf_get_lines(buf, 0, -1, false)
end

--- Replaces the draft as an undo step of its own.
---@param buf integer
---@param lines string[]
local function replace(buf, lines)
  -- Setting 'undolevels' closes the undo step that is open, in insert mode too.
  vim.bo[buf].undolevels = vim.bo[buf].undolevels
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].undolevels = vim.bo[buf].undolevels
end

local function to_end(buf)
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local last = api.nvim_buf_line_count(buf)
    local text = api.nvim_buf_get_lines(buf, last - 1, last, false)[1] or ''
    api.nvim_win_set_cursor(win, { last, #text })
  end
end

-- ------------------------------------------------------------------ the window

--- Gives the prompt's windows the height that the draft needs.
---@param buf integer
function M.fit(buf)
  if not states[buf] then
    return
  end
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    if vim.w[win].agor_pane == 'prompt' then
      require('agor.ui.prompt_height').fit(win)
    end
  end
end

---@param buf integer
local function update(buf)
  if states[buf] and api.nvim_buf_is_loaded(buf) then
    draft.decorate(buf, states[buf])
    M.fit(buf)
  end
end

--- After rows of the mirror changed, or windows their size.
---@param changed? table<string, boolean> session ids; all of them if left out
function M.refresh(changed)
  for buf, state in pairs(states) do
    if (not changed or changed[state.session_id]) and #vim.fn.win_findbuf(buf) > 0 then
      update(buf)
      require('agor.ui.prompt_menu').refresh(buf)
    end
  end
end

-- ------------------------------------------------------------------ keeping it

---@param buf integer
local function save(buf)
  local state = states[buf]
  if not state or not state.dirty or not api.nvim_buf_is_loaded(buf) then
    return
  end
  state.dirty = false
  local lines = lines_of(buf)
  local used = {}
  for _, line in ipairs(lines) do
    used[line] = state.attachments[line]
  end
  local draft_now = { lines = lines, attachments = used, editing = state.editing }
  require('agor.ui.drafts').save(state.session_id, draft_now)
end

-- Half a thought is worth keeping should Neovim be killed; not at each key, though.
local SAVE_AFTER_MS = 1000
local saving = false

local function save_all()
  saving = false
  for buf in pairs(states) do
    save(buf)
  end
end

---@param buf integer
local function touched(buf)
  states[buf].dirty = true
  update(buf)
  if not saving then
    saving = true
    vim.defer_fn(save_all, SAVE_AFTER_MS)
  end
end

-- ------------------------------------------------------------------ what others do to it

--- What is known of the draft in a buffer.
---@param buf integer
---@return agor.PromptState?
function M.state(buf)
  return states[buf]
end

--- Another text, as one undo step.
---@param buf integer
---@param lines string[]
function M.set(buf, lines)
  states[buf].recall = nil
  replace(buf, lines)
  to_end(buf)
  touched(buf)
  save(buf)
end

---@param buf integer
---@param step integer -1 towards older ones
---@return boolean moved
local function recall(buf, step)
  local state = states[buf]
  local session = require('agor.mirror').get(state.session_id)
  local cwd = session and session.cwd or nil
  local lines, at = require('agor.ui.prompt_history').step(state.recall, lines_of(buf), cwd, step)
  if not lines then
    return false
  end
  state.recall = at
  replace(buf, lines)
  to_end(buf)
  touched(buf)
  return true
end

---@param buf integer
---@param step integer
---@param fallback string
local function up_or_down(buf, step, fallback)
  local row = api.nvim_win_get_cursor(0)[1]
  local edge = vim.fn.pumvisible() == 0 and step < 0 and row == 1
    or vim.fn.pumvisible() == 0 and step > 0 and row == api.nvim_buf_line_count(buf)
  if not (edge and recall(buf, step)) then
    -- Before what has been typed since.
    api.nvim_feedkeys(vim.keycode(fallback), 'in', false)
  end
end

-- ------------------------------------------------------------------ the buffer

---@param buf integer
local function watch(buf)
  local group = api.nvim_create_augroup('agor_prompt_' .. buf, { clear = true })
  local function on(events, callback, pattern)
    api.nvim_create_autocmd(events, {
      group = group,
      buffer = not pattern and buf or nil,
      pattern = pattern,
      callback = callback,
    })
  end
  on({ 'TextChanged', 'TextChangedI', 'TextChangedP' }, function()
    touched(buf)
  end)
  on({ 'TextChangedI', 'TextChangedP' }, function()
    require('agor.ui.prompt_menu').update(buf)
  end)
  on('InsertEnter', function()
    -- After the plugins that are loaded by this very event.
    vim.schedule(function()
      if api.nvim_buf_is_valid(buf) then
        require('agor.completion.engines').active(buf)
      end
    end)
  end)
  on({ 'InsertLeave', 'BufLeave', 'BufHidden' }, function()
    save(buf)
  end)
  on('BufEnter', function()
    require('agor.mirror').touch(states[buf].session_id)
    update(buf)
  end)
  on('BufWinEnter', function()
    local win = api.nvim_get_current_win()
    if api.nvim_win_get_buf(win) == buf then
      require('agor.ui.options').apply(win, buf)
    end
    update(buf)
  end)
  on('VimLeavePre', function()
    save(buf)
  end, '*')
  on('BufUnload', function()
    save(buf)
    states[buf] = nil
  end)
  on('BufWipeout', function()
    require('agor.ui.keys').forget(buf)
    require('agor.ui.options').forget(buf)
    require('agor.ui.prompt_menu').forget(buf)
    pcall(api.nvim_del_augroup_by_id, group)
  end)
end

--- The first row below the attachments, from 1.
---@param buf integer
---@return integer
function M.first_row(buf)
  local state = states[buf]
  for row, line in ipairs(state and lines_of(buf) or {}) do
    if not state.attachments[line] then
      return row
    end
  end
  return 1
end

--- Makes a buffer a session's prompt, with the draft that was kept.
---@param buf integer
---@param session_id string
function M.adopt(buf, session_id)
  local bo = vim.bo[buf]
  bo.buftype = 'nofile'
  bo.bufhidden = 'hide'
  bo.buflisted = false
  bo.swapfile = false
  bo.undofile = false
  bo.modeline = false
  vim.b[buf].agor_session = session_id
  local saved = require('agor.ui.drafts').load(session_id)
  states[buf] = {
    session_id = session_id,
    attachments = saved and saved.attachments or {},
    editing = saved and saved.editing or nil,
    dirty = false,
  }
  local levels = vim.bo[buf].undolevels
  bo.undolevels = -1
  bo.modifiable = true
  api.nvim_buf_set_lines(buf, 0, -1, false, saved and saved.lines or { '' })
  bo.undolevels = levels
  watch(buf)
  require('agor.ui.prompt_menu').prepare(buf)
  require('agor.ui.prompt_paste').watch()
  vim.schedule(function()
    require('agor.clipboard').sweep()
  end)
  require('agor.ui.options').prepare(buf, 'agor-prompt', {})
  require('agor.ui.keys').attach(
    buf,
    require('agor.ui.prompt_keys').list(buf, states[buf], up_or_down)
  )
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    require('agor.ui.dress').again(win, buf)
  end
  update(buf)
end

--- The session's prompt buffer, made if there is none.
---@param session_id string
---@return integer buf
function M.buffer(session_id)
  for buf, state in pairs(states) do
    if state.session_id == session_id and api.nvim_buf_is_loaded(buf) then
      return buf
    end
  end
  local name = ('agor://%s/prompt'):format(session_id)
  for _, buf in ipairs(api.nvim_list_bufs()) do
    if api.nvim_buf_get_name(buf) == name then
      local saved = vim.o.eventignore
      vim.o.eventignore = 'all'
      vim.fn.bufload(buf)
      vim.o.eventignore = saved
      M.adopt(buf, session_id)
      return buf
    end
  end
  local buf = api.nvim_create_buf(false, true)
  api.nvim_buf_set_name(buf, name)
  M.adopt(buf, session_id)
  return buf
end

--- The pane with the cursor in the prompt, in insert mode.
---@param session_id string
---@return boolean ok
---@return string? message
function M.focus(session_id)
  return require('agor.ui.pane').open(session_id, { focus = 'prompt' })
end

--- Puts words at the end of the draft; nothing is sent.
---@param session_id string
---@param text string
function M.insert(session_id, text)
  local buf = M.buffer(session_id)
  local state = states[buf]
  local lines = lines_of(buf)
  local _, words_now = draft.split(state, lines)
  local new = vim.split(text, '\n', { plain = true })
  vim.bo[buf].undolevels = vim.bo[buf].undolevels
  if words_now == '' and vim.trim(lines[#lines]) == '' then
    api.nvim_buf_set_lines(buf, #lines - 1, #lines, false, new)
  else
    api.nvim_buf_set_lines(buf, #lines, #lines, false, new)
  end
  to_end(buf)
  touched(buf)
  save(buf)
end

--- Adds an attachment's line below those that are there.
---@param session_id string
---@param context agor.Context|agor.ImageAttachment
function M.attach(session_id, context)
  local buf = M.buffer(session_id)
  local state = states[buf]
  local lines = lines_of(buf)
  local _, _, count = draft.split(state, lines)
  local name = draft.label(context)
  local line, again = name, 1
  -- The same lines, but another text: the file has changed since.
  while
    state.attachments[line] and state.attachments[line].text ~= context.text
    or state.attachments[line] and state.attachments[line].image ~= context.image
  do
    again = again + 1
    line = ('%s (%d)'):format(name, again)
  end
  state.attachments[line] = context
  for row = 1, count do
    if lines[row] == line then
      return
    end
  end
  vim.bo[buf].undolevels = vim.bo[buf].undolevels
  api.nvim_buf_set_lines(buf, count, count, false, { line })
  to_end(buf)
  touched(buf)
  save(buf)
end

--- Adds a picture's line below the attachments that are there.
---@param session_id string
---@param image { path: string, size: integer? } its absolute path
function M.attach_image(session_id, image)
  local session = require('agor.mirror').get(session_id)
  local stat = vim.uv.fs_stat(image.path)
  M.attach(session_id, {
    path = require('agor.context').relative(image.path, session and session.cwd or ''),
    image = image.path,
    size = image.size or stat and stat.size or 0,
  })
end

--- A prompt that could not be delivered comes back, above what has been written since.
---@param session_id string
---@param prompt { text: string, context: agor.Context[]?, images: { path: string }[]? }
function M.restore(session_id, prompt)
  local buf = M.buffer(session_id)
  local state = states[buf]
  if require('agor.ui.prompt_edit').take_in(buf, prompt) then
    state.dirty = true
    return save(buf)
  end
  local _, now, count = draft.split(state, lines_of(buf))
  local text = vim.trim(prompt.text or '') == '' and {}
    or vim.split(prompt.text, '\n', { plain = true })
  if now ~= '' and #text > 0 then
    text[#text + 1] = ''
  end
  vim.bo[buf].undolevels = vim.bo[buf].undolevels
  if now == '' then
    api.nvim_buf_set_lines(buf, count, -1, false, #text > 0 and text or { '' })
  else
    api.nvim_buf_set_lines(buf, count, count, false, text)
  end
  for _, context in ipairs(prompt.context or {}) do
    -- A word stands in the text.
    if not context.word then
      M.attach(session_id, context)
    end
  end
  for _, image in ipairs(prompt.images or {}) do
    M.attach_image(session_id, image)
  end
  to_end(buf)
  touched(buf)
  save(buf)
end

return M
