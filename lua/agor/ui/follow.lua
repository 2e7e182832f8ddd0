--- Which windows of a transcript show its end as it grows, and how much those that do not have missed.
---
--- The end is followed only while the cursor is on it, each window for itself; nothing else ever moves what a reader
--- looks at. Knows nothing of what a patch does: it is asked before one and told after it.

local api = vim.api

local M = {}

---@class agor.Left
---@field buf integer
---@field mark integer extmark at the end as it was when the window left it
---@field searching boolean only because a search is being typed in it

-- What outlives a reload of our modules.
local kept = require('agor.state')
kept.ui = kept.ui or {}

--- Windows that have left the end.
---@type table<integer, agor.Left>
local left = kept.ui.left or {}
kept.ui.left = left

local ns = api.nvim_create_namespace('agor_left')

-- Visual, select and operator-pending mode: the cursor is one end of what the user is selecting.
local SELECTING = { v = true, V = true, ['\22'] = true, s = true, S = true, ['\19'] = true }

--- What the user does with the cursor of the current window, if it must not be moved for it.
---@return 'selecting'|'searching'?
local function occupied()
  local mode = api.nvim_get_mode().mode
  if SELECTING[mode:sub(1, 1)] or mode:sub(1, 2) == 'no' then
    return 'selecting'
  elseif mode:sub(1, 1) == 'c' and vim.fn.getcmdtype():find('[/?]') then
    -- 'incsearch' puts the cursor back when the search is given up.
    return 'searching'
  end
end

---@param buf integer
---@return integer row of the last line, from 0
---@return integer length of it
local function end_of(buf)
  local row = api.nvim_buf_line_count(buf) - 1
  return row, #(api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or '')
end

---@param win integer
---@return agor.Left?
local function left_in(win)
  local one = left[win]
  if one and api.nvim_win_is_valid(win) and api.nvim_win_get_buf(win) == one.buf then
    return one
  end
end

---@param win integer
local function forget(win)
  local one = left[win]
  left[win] = nil
  if one and api.nvim_buf_is_valid(one.buf) then
    api.nvim_buf_del_extmark(one.buf, ns, one.mark)
  end
end

---@param one agor.Left
---@return integer row from 0
---@return integer col
local function mark_of(one)
  local at = api.nvim_buf_get_extmark_by_id(one.buf, ns, one.mark, {})
  return at[1] or 0, at[2] or 0
end

---@param buf integer
---@param row integer
---@param col integer
---@param id? integer
---@return integer
local function set_mark(buf, row, col, id)
  -- What is appended where it stands comes after it.
  local opts = { id = id, right_gravity = false, undo_restore = false, strict = false }
  return api.nvim_buf_set_extmark(buf, ns, row, col, opts)
end

---@param win integer
---@param searching boolean
local function leave(win, searching)
  forget(win)
  local buf = api.nvim_win_get_buf(win)
  left[win] = { buf = buf, mark = set_mark(buf, end_of(buf)), searching = searching }
end

---@class agor.Follow
---@field buf integer
---@field length integer of the last line before the patch
---@field wins integer[] those that follow
---@field missed table<integer, integer> how many lines each of the others had missed

--- Who follows, before the text changes.
---@param buf integer
---@return agor.Follow?
function M.before(buf)
  local wins = vim.fn.win_findbuf(buf)
  if #wins == 0 then
    return nil
  end
  local row, length = end_of(buf)
  local plan = { buf = buf, length = length, wins = {}, missed = {} }
  local current = api.nvim_get_current_win()
  for _, win in ipairs(wins) do
    local cursor = api.nvim_win_get_cursor(win)[1] - 1
    local one = left_in(win)
    local busy = win == current and occupied() or nil
    local at_end = cursor == row
    if one and one.searching and busy ~= 'searching' then
      -- Of a search that was given up nothing is left: the cursor is where it began.
      at_end = at_end or cursor == mark_of(one)
      one.searching = false
    end
    if at_end and not busy then
      forget(win)
      plan.wins[#plan.wins + 1] = win
    else
      if not one then
        leave(win, false)
      end
      plan.missed[win] = M.missed(win)
    end
  end
  return plan
end

---@param win integer
---@param row integer of the last line, from 0
---@param grown boolean that line is another now
local function show_end(win, row, grown)
  local cursor = api.nvim_win_get_cursor(win)
  local col = cursor[2]
  -- Where lines came and went above it, the cursor has moved along.
  if grown or cursor[1] ~= row + 1 then
    -- The end of a wrapped line has to be seen, the end of an unwrapped one would scroll the others away.
    col = vim.wo[win].wrap and 0x7ffffff or 0
  end
  -- Also where the cursor stays: what changed above may have pushed it out of the window.
  pcall(api.nvim_win_set_cursor, win, { row + 1, col })
end

--- Shows the new end in the windows that follow, and says in the others how much is new.
---@param plan? agor.Follow
---@param anew boolean the whole text was replaced
function M.after(plan, anew)
  if not plan then
    return
  end
  local row, length = end_of(plan.buf)
  for _, win in ipairs(plan.wins) do
    if api.nvim_win_is_valid(win) and api.nvim_win_get_buf(win) == plan.buf then
      show_end(win, row, length ~= plan.length)
    end
  end
  for win, missed in pairs(plan.missed) do
    local one = left_in(win)
    if one and anew then
      -- No mark outlives its text: what was missed before is missed still, counted from the end.
      set_mark(plan.buf, math.max(0, row - missed), 0x7ffffff, one.mark)
    end
    if one and M.missed(win) ~= missed then
      require('agor.ui.bar').draw(win)
    end
  end
end

--- How many lines have come since a window left the end; one that has only grown counts as one.
---@param win integer
---@return integer
function M.missed(win)
  local one = left_in(win)
  if not one then
    return 0
  end
  local row, col = mark_of(one)
  local last = api.nvim_buf_line_count(one.buf) - 1
  local line = api.nvim_buf_get_lines(one.buf, row, row + 1, false)[1] or ''
  return last - row + (#line > col and 1 or 0)
end

---@param win integer
---@param buf integer
---@return boolean
local function is_at_end(win, buf)
  return api.nvim_win_get_cursor(win)[1] == api.nvim_buf_line_count(buf)
end

--- Whether a window that shows the buffer shows its end as it grows.
---@param win integer
---@param buf integer
---@return boolean
function M.follows(win, buf)
  return is_at_end(win, buf) and not left_in(win)
end

--- Once for each transcript: a cursor that comes to the end has nothing new any more.
---@param buf integer
---@param group integer of autocommands
function M.watch(buf, group)
  api.nvim_create_autocmd({ 'CursorMoved', 'WinEnter' }, {
    group = group,
    buffer = buf,
    callback = function()
      local win = api.nvim_get_current_win()
      if left[win] and is_at_end(win, buf) and not occupied() then
        forget(win)
        require('agor.ui.bar').draw(win)
      end
    end,
  })
  api.nvim_create_autocmd('CmdlineEnter', {
    group = group,
    -- A bare question mark would stand for every kind of command line.
    pattern = { '/', '\\?' },
    callback = function()
      local win = api.nvim_get_current_win()
      if api.nvim_win_get_buf(win) == buf and M.follows(win, buf) then
        leave(win, true)
      end
    end,
  })
end

--- After windows changed their size: other lines wrap now, and those that follow have to show the end still, at their
--- bottom.
---@param wins integer[]
function M.resized(wins)
  for win in pairs(left) do
    if not left_in(win) then
      forget(win)
    end
  end
  for _, win in ipairs(wins) do
    local buf = api.nvim_win_is_valid(win) and api.nvim_win_get_buf(win)
    if buf and require('agor.ui.transcript').revision(buf) and M.follows(win, buf) then
      local cursor = api.nvim_win_get_cursor(win)
      api.nvim_win_call(win, function()
        -- From far above, Neovim scrolls so that the cursor's line is the last one.
        vim.fn.winrestview({ topline = 1, lnum = 1, skipcol = 0 })
      end)
      pcall(api.nvim_win_set_cursor, win, cursor)
    end
  end
end

return M
