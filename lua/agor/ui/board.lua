--- The board: every session as one line, live while it is open, with keys for what can be done to it.
---
--- Where its sessions come from is in `board_content.lua`, in which order they stand in `board_rows.lua`, what they look
--- like in `board_lines.lua`, the window in `board_window.lua`, the keys in `board_keys.lua`. Here is the buffer, and when
--- it is drawn.

local api = vim.api

local M = {}

local ns = api.nvim_create_namespace('agor_board')
local time_ns = api.nvim_create_namespace('agor_board_time')
local details_ns = api.nvim_create_namespace('agor_board_details')

-- What outlives a reload of our modules: the buffer and the window, and how the user wants the list.
local kept = require('agor.state')
kept.ui = kept.ui or {}

---@class agor.Board
---@field buf integer|nil
---@field win integer|nil
---@field sort string
---@field filter string
---@field earlier boolean
---@field journals agor.Journal[]|nil of earlier sessions
local board = kept.ui.board or { sort = 'activity', filter = '', earlier = false }
kept.ui.board = board

---@type agor.BoardItem[] by line
local items = {}
---@type agor.BoardLine[]
local drawn = {}
-- The float with the keys, while the cursor is in it.
---@type integer?
local help_win
-- The session that the user has put the cursor on, and the row where it was put for that.
---@type string?, integer?
local wanted, placed
-- Something that the board asks has the focus.
local held = false
---@type uv.uv_timer_t?
local timer

---@return integer? win
local function window()
  local win = board.win
  return win and api.nvim_win_is_valid(win) and win or nil
end

---@return boolean on the screen now
local function is_shown()
  local win = window()
  return win ~= nil and api.nvim_win_get_tabpage(win) == api.nvim_get_current_tabpage()
end

---@return agor.BoardEntry? under the cursor
local function here()
  local win = window()
  local item = win and items[api.nvim_win_get_cursor(win)[1]]
  return item and item.entry
end

-- ------------------------------------------------------------------ drawing

---@param win integer
---@return integer
local function cells_of(win)
  return api.nvim_win_get_width(win) - vim.fn.getwininfo(win)[1].textoff
end

---@param buf integer
---@param row integer from 1
---@param line agor.BoardLine
local function mark(buf, row, line)
  for _, one in ipairs(line.marks) do
    local opts = { end_col = one[2], hl_group = one[3] }
    api.nvim_buf_set_extmark(buf, ns, row - 1, one[1], opts)
  end
end

--- Only lines that look otherwise are touched: of dozens of sessions few change at a time.
---@param buf integer
---@param lines agor.BoardLine[]
local function put(buf, lines)
  vim.bo[buf].modifiable = true
  if #lines ~= #drawn then
    local texts = vim.tbl_map(function(line)
      return line.text
    end, lines)
    api.nvim_buf_clear_namespace(buf, ns, 0, -1)
    api.nvim_buf_clear_namespace(buf, time_ns, 0, -1)
    api.nvim_buf_set_lines(buf, 0, -1, false, texts)
    for row, line in ipairs(lines) do
      mark(buf, row, line)
    end
  else
    for row, line in ipairs(lines) do
      if line.key ~= drawn[row].key then
        api.nvim_buf_clear_namespace(buf, ns, row - 1, row)
        api.nvim_buf_clear_namespace(buf, time_ns, row - 1, row)
        api.nvim_buf_set_lines(buf, row - 1, row, false, { line.text })
        mark(buf, row, line)
      end
    end
  end
  vim.bo[buf].modifiable = false
  drawn = lines
end

--- What is said below the cursor's line.
---@param win integer
---@param buf integer
---@return integer rows
local function details(win, buf)
  api.nvim_buf_clear_namespace(buf, details_ns, 0, -1)
  local entry = here()
  if not entry then
    return 0
  end
  local row = api.nvim_win_get_cursor(win)[1] - 1
  local lines = require('agor.ui.board_lines').details(
    entry,
    cells_of(win),
    drawn[row + 1],
    require('agor.clock').now()
  )
  api.nvim_buf_set_extmark(buf, details_ns, row, 0, { virt_lines = lines })
  return #lines
end

-- With dozens of sessions a drawing takes milliseconds of the user's time: it is never more than a twentieth of it.
local SHARE = 20
---@type number
local not_before = 0
local scheduled = false
local stale = false

---@param id string
---@return integer? line
local function line_of(id)
  for row, item in ipairs(items) do
    if item.entry and item.entry.id == id then
      return row
    end
  end
end

--- The cursor stays on its session, or goes to the first one where that is not in the list.
---@param win integer
local function follow(win)
  local row = api.nvim_win_get_cursor(win)[1]
  if wanted then
    local at = line_of(wanted)
    for i = 1, at and 0 or #items do
      at = at or (items[i].entry and i or nil)
    end
    if at and at ~= row then
      api.nvim_win_set_cursor(win, { at, 0 })
      row = at
    end
  end
  placed = row
end

--- At once, though a drawing may be due: where the user has asked for it, the next key means what is shown.
local function draw()
  scheduled = false
  local win, buf = window(), board.buf
  if not win or not buf or not api.nvim_buf_is_valid(buf) then
    return
  elseif not is_shown() then
    stale = true
    return
  end
  stale = false
  local began = vim.uv.hrtime()
  local content = require('agor.ui.board_content')
  items = content.items(board)
  put(buf, require('agor.ui.board_lines').draw(items, cells_of(win), require('agor.clock').now()))
  follow(win)
  -- As many rows as the details of any line take: the window keeps its height when the cursor moves.
  details(win, buf)
  local width = api.nvim_win_get_width(win)
  require('agor.ui.board_window').fit(
    win,
    buf,
    #items + 2,
    content.title(board),
    content.footer(width, items)
  )
  require('agor.ui.board_filter').follow(win)
  if #items + 2 <= api.nvim_win_get_height(win) then
    -- It was longer, and scrolled.
    api.nvim_win_call(win, function()
      vim.fn.winrestview({ topline = 1 })
    end)
  end
  local done = vim.uv.hrtime()
  not_before = done + SHARE * (done - began)
end

--- After rows of the mirror changed, now or soon.
function M.refresh()
  local wait = not_before - vim.uv.hrtime()
  if scheduled or not window() then
    return
  elseif wait <= 0 then
    draw()
  else
    scheduled = true
    vim.defer_fn(draw, math.ceil(wait / 1e6))
  end
end

--- Once a second: times that have gone on, each in its own few cells, and nothing else.
function M.tick()
  local buf = board.buf
  if not buf or not is_shown() or scheduled then
    return
  end
  local lines, at = require('agor.ui.board_lines'), require('agor.clock').now()
  vim.bo[buf].modifiable = true
  for row, item in ipairs(items) do
    local line = drawn[row]
    if item.entry and line and line.time then
      local time = lines.time(item.entry, at)
      time = time .. (' '):rep(lines.TIME - #time)
      local before = line.text:sub(line.time + 1, line.time + lines.TIME)
      if before ~= time and #time == lines.TIME then
        local from, to = line.time, line.time + lines.TIME
        api.nvim_buf_set_text(buf, row - 1, from, row - 1, to, { time })
        line.text = line.text:sub(1, from) .. time .. line.text:sub(to + 1)
        line.key = line.text .. line.key:sub(#line.text + 1)
        local group = { id = row, end_col = to, hl_group = 'AgorDim' }
        api.nvim_buf_set_extmark(buf, time_ns, row - 1, from, group)
      end
    end
  end
  vim.bo[buf].modifiable = false
end

-- ------------------------------------------------------------------ life

local function stop()
  if timer then
    timer:stop()
    timer:close()
    timer = nil
  end
  require('agor.others').unwatch(M.refresh)
end

local function close()
  local win = window()
  if win then
    require('agor.ui.board_window').close(win)
  end
  board.win = nil
  stop()
end

local function leave()
  if require('agor.ui.board_window').is_float() then
    close()
  end
end

local function load_earlier()
  if not board.earlier then
    return
  end
  if not require('agor.backend').ensure() then
    return
  end
  local cwd = require('agor.project').root()
  require('agor.rpc').notify('journals', { cwd = cwd }, function(err, list)
    if err then
      return require('agor.message').error(err)
    end
    board.journals = list
    draw()
  end)
end

---@param ask fun(let_go: fun())
local function hold(ask)
  held = true
  ask(function()
    held = false
    local win = window()
    if win and require('agor.ui.board_window').is_float() then
      api.nvim_set_current_win(win)
    end
  end)
end

---@type agor.BoardHandle
local handle = {
  here = here,
  leave = leave,
  close = close,
  hold = hold,
  reload = function()
    load_earlier()
    draw()
  end,
  sort = function()
    local sorts = require('agor.ui.board_rows').SORTS
    for i, name in ipairs(sorts) do
      if name == board.sort then
        board.sort = sorts[i % #sorts + 1]
        break
      end
    end
    draw()
  end,
  filter = function()
    local win = window()
    if win then
      require('agor.ui.board_filter').ask(win, board.filter, function(text)
        if text ~= board.filter then
          board.filter = text
          draw()
        end
      end)
    end
  end,
  clear = function()
    board.filter = ''
    draw()
  end,
  earlier = function()
    board.earlier = not board.earlier
    load_earlier()
    draw()
  end,
  help = function()
    help_win = require('agor.ui.help').open(board.buf --[[@as integer]])
  end,
}

---@return integer buf
local function buffer()
  local buf = api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = 'wipe'
  vim.bo[buf].undolevels = -1
  vim.bo[buf].modifiable = false
  drawn, items = {}, {}
  require('agor.ui.options').prepare(buf, 'agor-sessions', {
    cursorline = true,
    wrap = false,
    foldcolumn = '0',
    conceallevel = 0,
  })
  require('agor.ui.keys').attach(buf, require('agor.ui.board_keys').list(handle))
  return buf
end

---@param win integer
---@param buf integer
local function watch(win, buf)
  local group = api.nvim_create_augroup('agor_board', { clear = true })
  local function on(event, opts, callback)
    opts.group, opts.callback = group, callback
    api.nvim_create_autocmd(event, opts)
  end
  on('CursorMoved', { buffer = buf }, function()
    if not is_shown() then
      return
    end
    local row = api.nvim_win_get_cursor(win)[1]
    if row ~= placed then
      local entry = here()
      wanted, placed = entry and entry.id, row
    end
    details(win, buf)
  end)
  on({ 'VimResized', 'WinResized' }, {}, draw)
  -- A question comes after the row that counts it.
  local events = { 'AgorPermission', 'AgorQuestion', 'AgorPermissionClosed', 'AgorAttention' }
  on('User', { pattern = events }, M.refresh)
  on('TabEnter', {}, function()
    if stale then
      draw()
    end
  end)
  on('WinClosed', { pattern = tostring(win) }, function()
    require('agor.ui.board_window').closed(win)
    if board.win == win then
      board.win = nil
      stop()
    end
  end)
  on('BufWipeout', { buffer = buf }, function()
    require('agor.ui.keys').forget(buf)
    require('agor.ui.options').forget(buf)
  end)
  -- A float that is left for another window, also by way of its help, would only be in the way.
  on('WinEnter', {}, function()
    vim.schedule(function()
      local current = api.nvim_get_current_win()
      local own = current == help_win or current == require('agor.ui.board_filter').window()
      local away = board.win == win and current ~= win and not own and not held
      if away and require('agor.ui.board_window').is_float() and vim.fn.getcmdwintype() == '' then
        close()
      end
    end)
  end)
end

--- Opens the board, with the cursor in it on the current session.
function M.open()
  if vim.fn.getcmdwintype() ~= '' then
    require('agor.message').error('Close the command-line window first')
    return
  end
  require('agor.ui.pane').setup()
  local win = window()
  if win and is_shown() then
    api.nvim_set_current_win(win)
    return
  end
  close()
  local current = require('agor.mirror').current()
  -- What it was narrowed to last must not hide what waits now.
  board.filter = ''
  board.buf = buffer()
  board.win = require('agor.ui.board_window').open(board.buf)
  watch(board.win, board.buf)
  load_earlier()
  -- An id that no session has: the first one in the list.
  wanted = current and current.session_id or ''
  draw()
  require('agor.others').watch(M.refresh)
  timer = assert(vim.uv.new_timer())
  timer:start(1000, 1000, vim.schedule_wrap(M.tick))
end

return M
