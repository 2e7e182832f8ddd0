--- The picker of earlier sessions: a line to type into, the list of what fits, and a glance into the one at hand.
---
--- Knows windows and keys. What there is comes from `agor.earlier`, what is done with it is for who opened it.

local api = vim.api
local places = require('agor.ui.resume_places')

local M = {}

local ns = api.nvim_create_namespace('agor_resume')

-- Typing is waited for, so long that a word is one question; a cursor that moves on, a shorter time.
local TYPED_MS, MOVED_MS = 90, 40
-- From the end of the list on there is asked for more.
local NEAR = 20

---@class agor.ResumePicker
---@field here string the project's directory
---@field all boolean
---@field take fun(row: agor.EarlierRow, how: 'resume'|'seed'|'read'|'delete')
---@field extra agor.EarlierRow[] what else there is, of agents that run

---@class agor.ResumeState : agor.ResumePicker
---@field bufs { input: integer, list: integer, preview: integer }
---@field wins { input: integer?, list: integer?, preview: integer?, help: integer? }
---@field search agor.EarlierSearch?
---@field rows agor.EarlierRow[] as they are shown
---@field text string what they were searched for
---@field at integer
---@field asked integer which glance was asked for last
---@field failed string?

---@type agor.ResumeState?
local state

---@param win integer?
---@return boolean
local function valid(win)
  return win ~= nil and api.nvim_win_is_valid(win)
end

local function close()
  local was = state
  state = nil
  if not was then
    return
  end
  if was.search then
    was.search.dropped = true
  end
  pcall(api.nvim_del_augroup_by_name, 'agor_resume')
  if api.nvim_get_current_win() == was.wins.input then
    vim.cmd.stopinsert()
  end
  for _, win in pairs(was.wins) do
    if valid(win) then
      api.nvim_win_close(win, true)
    end
  end
  for _, buf in pairs(was.bufs) do
    require('agor.ui.keys').forget(buf)
  end
end

---@return string
local function title()
  local s = assert(state)
  local dot = (' %s '):format(require('agor.ui.icons').get().dot)
  local where = s.all and 'all' or require('agor.ui.cells').clean(vim.fn.fnamemodify(s.here, ':~'))
  local over = not s.search or s.search.over
  local count = ('%d%s'):format(#s.rows, over and '' or '+')
  return (' Resume%s%s%s%s '):format(dot, where, dot, count)
end

---@return string
local function footer()
  local hints = { '<CR> resume', '<C-f> new from it', '<C-o> read', '<C-x> delete' }
  table.insert(hints, assert(state).all and '<C-a> project' or '<C-a> all')
  return require('agor.ui.hints').line(hints, places().list.width --[[@as integer]])
end

---@return agor.EarlierRow?
local function chosen()
  return state and state.rows[state.at]
end

---@param lines string[]
---@param marks any[]
---@param row integer
local function show_preview(lines, marks, row)
  local s = assert(state)
  local buf, win = s.bufs.preview, s.wins.preview
  local shown = vim.tbl_map(function(line)
    return (line:gsub('\n', '\0'))
  end, lines)
  vim.bo[buf].modifiable = true
  api.nvim_buf_set_lines(buf, 0, -1, false, shown)
  vim.bo[buf].modifiable = false
  api.nvim_buf_clear_namespace(buf, ns, 0, -1)
  require('agor.ui.tint').marks(buf, ns, marks)
  if valid(win) then
    api.nvim_win_set_cursor(win --[[@as integer]], { math.min(row + 1, math.max(1, #lines)), 0 })
    api.nvim_win_call(win --[[@as integer]], function()
      vim.cmd('normal! ' .. (row + 1 >= #lines and 'zb' or 'zz'))
    end)
  end
end

local function glance()
  local s, row = state, chosen()
  if not s or not valid(s.wins.preview) then
    return
  end
  s.asked = s.asked + 1
  local asked = s.asked
  if not row then
    return show_preview({}, {}, 0)
  end
  local win = s.wins.preview --[[@as integer]]
  local width = api.nvim_win_get_width(win)
  local name = vim.trim((row.title:gsub('%s+', ' ')))
  name = name ~= '' and name or row.session_id or row.conversation or ''
  name = (' %s '):format(require('agor.ui.cells').shorten(name, width - 6))
  api.nvim_win_set_config(win, { title = name, title_pos = 'center' })
  require('agor.earlier').preview(row, s.text, width, function(preview, err)
    if state ~= s or s.asked ~= asked then
      return
    end
    if preview then
      show_preview(preview.lines, preview.marks, preview.row)
    else
      show_preview({ ' ' .. require('agor.ui.cells').clean(err or '') }, {}, 0)
    end
  end)
end

local glancing = false

--- Soon: who runs down the list looks at none of them.
local function glance_soon()
  if glancing then
    return
  end
  glancing = true
  vim.defer_fn(function()
    glancing = false
    glance()
  end, MOVED_MS)
end

local function decorate()
  local s = assert(state)
  if valid(s.wins.input) then
    api.nvim_win_set_config(
      s.wins.input --[[@as integer]],
      { title = title(), title_pos = 'center' }
    )
  end
  if valid(s.wins.list) then
    local config = { footer = footer(), footer_pos = 'center' }
    api.nvim_win_set_config(s.wins.list --[[@as integer]], config)
  end
end

---@param same agor.EarlierRow? the one that stays at hand
local function draw(same)
  local s = assert(state)
  local rows = require('agor.ui.resume_rows')
  local width = valid(s.wins.list) and api.nvim_win_get_width(s.wins.list --[[@as integer]]) or 80
  local lines, marks = {}, {}
  for i, pieces in ipairs(rows.pieces(s.rows, s.here, require('agor.clock').now())) do
    lines[i], marks[i] = rows.line(pieces, width)
  end
  if #lines == 0 then
    local over = not s.search or s.search.over
    local none = s.text ~= '' and 'Nothing that was said has these words'
      or 'There is no earlier session'
    local everywhere = s.all and '' or ': <C-a> looks everywhere'
    lines[1] = ' ' .. (s.failed or over and none .. everywhere or 'Searching')
    marks[1] = { { 0, #lines[1], s.failed and 'AgorError' or 'AgorDim' } }
  end
  local buf = s.bufs.list
  vim.bo[buf].modifiable = true
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
  api.nvim_buf_clear_namespace(buf, ns, 0, -1)
  for i, line_marks in ipairs(marks) do
    for _, mark in ipairs(line_marks) do
      api.nvim_buf_set_extmark(buf, ns, i - 1, mark[1], { end_col = mark[2], hl_group = mark[3] })
    end
    local hit = s.rows[i] and s.rows[i].hit
    if hit then
      local found = { rows.found(hit, width) }
      api.nvim_buf_set_extmark(buf, ns, i - 1, 0, { virt_lines = found })
    end
  end
  for i, row in ipairs(s.rows) do
    if row == same then
      s.at = i
    end
  end
  s.at = math.max(1, math.min(s.at, #s.rows))
  if valid(s.wins.list) then
    api.nvim_win_set_cursor(s.wins.list --[[@as integer]], { s.at, 0 })
    vim.wo[s.wins.list][0].cursorline = #s.rows > 0
  end
  decorate()
end

--- What agents that run have told of, between the others.
---@return agor.EarlierRow[]
local function merged()
  local s = assert(state)
  local search = assert(s.search)
  local rows = vim.list_slice(search.rows)
  local known, low = {}, s.text:lower()
  for _, row in ipairs(rows) do
    known[row.conversation or row.agent_session or ''] = true
  end
  local last = not search.over and rows[#rows] and rows[#rows].updated_at or 0
  for _, row in ipairs(s.extra) do
    local fits = s.text == '' or row.title:lower():find(low, 1, true)
    if fits and not known[row.conversation] and row.updated_at >= last then
      table.insert(rows, row)
    end
  end
  return require('agor.ui.resume_rows').sorted(rows)
end

---@param text string
local function look_for(text)
  local s = assert(state)
  if s.search then
    s.search.dropped = true
  end
  local fresh = true
  local query = { cwd = s.here, all = s.all, text = text }
  s.search = require('agor.earlier').search(query, function(search, err)
    if state ~= s or s.search ~= search then
      return
    end
    local before = not fresh and chosen() or nil
    s.text, s.failed = text, err
    local was = chosen()
    s.rows = merged()
    if fresh then
      s.at = 1
    end
    draw(before)
    fresh = fresh and #s.rows == 0 and not search.over
    if chosen() ~= was or text ~= '' then
      glance_soon()
    end
  end)
  decorate()
end

local typed = 0

local function on_typed()
  local s = assert(state)
  local lines = api.nvim_buf_get_lines(s.bufs.input, 0, -1, false)
  if #lines > 1 then
    -- What was pasted is one line.
    api.nvim_buf_set_lines(s.bufs.input, 0, -1, false, { table.concat(lines, ' ') })
    api.nvim_win_set_cursor(s.wins.input --[[@as integer]], { 1, #table.concat(lines, ' ') })
  end
  M.hint()
  typed = typed + 1
  local mine = typed
  vim.defer_fn(function()
    if state == s and mine == typed then
      local text = vim.trim(api.nvim_buf_get_lines(s.bufs.input, 0, 1, false)[1] or '')
      if not s.search or s.search.query.text ~= text then
        look_for(text)
      end
    end
  end, TYPED_MS)
end

--- What the empty line is for.
function M.hint()
  local s = assert(state)
  api.nvim_buf_clear_namespace(s.bufs.input, ns, 0, -1)
  local icon = require('agor.config').get().icons == 'ascii' and '> ' or '❯ '
  api.nvim_buf_set_extmark(s.bufs.input, ns, 0, 0, {
    virt_text = { { icon, 'AgorUserMark' } },
    virt_text_pos = 'inline',
    right_gravity = false,
  })
  if api.nvim_buf_get_lines(s.bufs.input, 0, 1, false)[1] == '' then
    local hint = { { 'type to search in what was said', 'AgorHint' } }
    api.nvim_buf_set_extmark(s.bufs.input, ns, 0, 0, { virt_text = hint, virt_text_pos = 'eol' })
  end
end

---@param by integer
local function move(by)
  local s = assert(state)
  if #s.rows == 0 then
    return
  end
  s.at = math.max(1, math.min(s.at + by, #s.rows))
  if valid(s.wins.list) then
    api.nvim_win_set_cursor(s.wins.list --[[@as integer]], { s.at, 0 })
  end
  if s.search and s.at + NEAR > #s.rows then
    require('agor.earlier').more(s.search)
  end
  glance_soon()
end

---@param keys string
local function scroll(keys)
  local win = assert(state).wins.preview
  if valid(win) then
    api.nvim_win_call(win --[[@as integer]], function()
      vim.cmd('normal! ' .. api.nvim_replace_termcodes(keys, true, true, true))
    end)
  end
end

---@param how 'resume'|'seed'|'read'|'delete'
---@return fun()
local function take(how)
  return function()
    local s, row = assert(state), chosen()
    if not row then
      return
    end
    if how == 'delete' then
      return s.take(row, how)
    end
    close()
    -- Insert mode is left first.
    vim.schedule(function()
      s.take(row, how)
    end)
  end
end

--- It is gone: the list is asked for anew.
function M.again()
  if state then
    look_for(state.text)
  end
end

--- What the keys of the picker do.
---@return agor.ResumeActions
local function actions()
  return {
    take = take,
    move = move,
    scroll = scroll,
    close = close,
    all = function()
      local s = assert(state)
      s.all = not s.all
      look_for(s.text)
    end,
    help = function()
      local s = assert(state)
      s.wins.help = require('agor.ui.help').open(s.bufs.input)
    end,
  }
end

local function fit()
  if not state then
    return
  end
  for name, place in pairs(places()) do
    if valid(state.wins[name]) then
      place.style = nil
      api.nvim_win_set_config(state.wins[name], place)
    end
  end
  draw(chosen())
end

---@param name string
---@param place vim.api.keyset.win_config
local function open(name, place)
  local s = assert(state)
  local win = api.nvim_open_win(s.bufs[name], name == 'input', place)
  s.wins[name] = win
  local wo = vim.wo[win][0]
  wo.winhighlight = require('agor.ui.options').FLOAT
  wo.wrap = name == 'preview'
  wo.linebreak, wo.breakindent = true, true
  -- Air: nothing folds here.
  wo.foldcolumn = name == 'preview' and '1' or '0'
  wo.foldenable, wo.winfixbuf = false, true
  wo.fillchars = 'eob: ,lastline: '
end

--- Opens it, with the cursor in the line that is typed into.
---@param picker agor.ResumePicker
function M.open(picker)
  if vim.fn.getcmdwintype() ~= '' then
    return require('agor.message').error('Close the command-line window first')
  end
  close()
  local bufs = {} ---@type table<string, integer>
  for _, name in ipairs({ 'input', 'list', 'preview' }) do
    local buf = api.nvim_create_buf(false, true)
    vim.bo[buf].bufhidden, vim.bo[buf].undolevels = 'wipe', name == 'input' and 100 or -1
    bufs[name] = buf
  end
  state = vim.tbl_extend('force', picker, {
    bufs = bufs,
    wins = {},
    rows = {},
    text = '',
    at = 1,
    asked = 0,
  }) --[[@as agor.ResumeState]]
  require('agor.filetype').set(bufs.input, 'agor-resume')
  local where = places()
  for _, name in ipairs({ 'preview', 'list', 'input' }) do
    if where[name] then
      open(name, where[name])
    end
  end
  require('agor.ui.keys').attach(bufs.input, require('agor.ui.resume_keys')(actions()))
  M.hint()
  draw()
  local group = api.nvim_create_augroup('agor_resume', { clear = true })
  api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI', 'TextChangedP' }, {
    group = group,
    buffer = bufs.input,
    callback = on_typed,
  })
  api.nvim_create_autocmd('VimResized', { group = group, callback = fit })
  -- Left for another window it would only be in the way; its own list and preview lead back.
  api.nvim_create_autocmd('WinEnter', {
    group = group,
    callback = vim.schedule_wrap(function()
      if not state or vim.fn.getcmdwintype() ~= '' then
        return
      end
      local now = api.nvim_get_current_win()
      if now == state.wins.list or now == state.wins.preview then
        if now == state.wins.list and #state.rows > 0 then
          move(api.nvim_win_get_cursor(now)[1] - state.at)
        end
        if valid(state.wins.input) then
          api.nvim_set_current_win(state.wins.input --[[@as integer]])
        end
      elseif now ~= state.wins.input and now ~= state.wins.help then
        close()
      end
    end),
  })
  vim.cmd.startinsert()
  look_for('')
end

--- Agents that run have told of more.
---@param rows agor.EarlierRow[]
function M.add(rows)
  if state then
    vim.list_extend(state.extra, rows)
    if state.search then
      local at = chosen()
      state.rows = merged()
      draw(at)
    end
  end
end

return M
