--- Questions that wait for the user: permissions, plans to approve, the agents' own questions. One is on the screen, the
--- others wait behind it, in order of arrival over all sessions.
---
--- This module knows the float and what its keys do; the queue is `ask_queue.lua`. When something may be shown is
--- `safe.lua`, what a question looks like `ask_view.lua`; how one is answered step by step is `ask_item.lua`.

local api = vim.api

local M = {}

--- The clock in milliseconds; tests put their own here.
---@type fun(): number
M.now = function()
  return vim.uv.hrtime() / 1e6
end

local GUARD_MS = 300
local waiting = require('agor.ui.ask_queue')
local queue, place_of, find = waiting.items, waiting.place_of, waiting.find

---@type agor.AskView?
local view
---@type number
local guard_until = 0
--- True while an input of ours has the focus in the float's place.
local asking = false
--- Where the cursor came from, to go back to when nothing is left to answer.
---@type integer?
local came_from
local draw

local safe = require('agor.ui.safe').is

--- Draws now or at the next safe moment.
local function when_safe()
  require('agor.ui.safe').when(function()
    draw()
  end)
end

-- ------------------------------------------------------------------ the queue

---@return agor.AskItem?
local function shown()
  return view and view.item
end

local function focused()
  return view and api.nvim_get_current_win() == view.win or false
end

local function close()
  local old = view
  view = nil
  if not old then
    return
  end
  local had_focus = api.nvim_get_current_win() == old.win
  if had_focus and came_from and api.nvim_win_is_valid(came_from) then
    api.nvim_set_current_win(came_from)
  end
  require('agor.ui.ask_view').close(old)
end

-- The float is of no use any more: closed in part, or left behind in another tabpage.
local function drop_unusable()
  local old = view
  if old and not require('agor.ui.ask_view').usable(old) then
    view = nil
    require('agor.ui.ask_view').close(old)
  end
end

local function guard()
  guard_until = M.now() + GUARD_MS
end

--- Shows what is to be shown now: the question on the screen again, the next one, or nothing.
draw = function()
  local item = shown()
  if not item or not place_of(item) or (item.postponed and not focused()) then
    item = waiting.next()
  end
  if not item then
    close()
    return
  end
  local changed = not view or view.item ~= item
  local view_module = require('agor.ui.ask_view')
  local had_focus = focused()
  local position = place_of(item) or 1
  drop_unusable()
  view = view_module.draw(view, item, position, #queue, had_focus or asking)
  if not view then
    return
  end
  M.bind(view.buf)
  if changed and had_focus then
    guard()
  end
end

---@param item agor.AskItem
local function add(item)
  if find(item.session_id, item.request_id) then
    return
  end
  require('agor.ui.pane').setup()
  queue[#queue + 1] = item
  local shown_now = safe()
  if shown_now then
    draw()
  end
  require('agor.notify').on_asked(item, shown_now)
  if not shown_now then
    when_safe()
  end
end

-- ------------------------------------------------------------------ answering

---@param item agor.AskItem
local function take_away(item)
  table.remove(queue, place_of(item))
  if #queue == 0 and focused() then
    local left = require('agor.notify').unseen()
    require('agor.message').info(
      left == 0 and 'nothing waits for you'
        or ('no question is left; %d finished unseen (:Agor permit)'):format(left)
    )
  end
  require('agor.notify').on_settled(item.session_id)
  if shown() == item then
    if not waiting.next() then
      close()
    elseif focused() or safe() then
      draw()
    else
      close()
      when_safe()
    end
  elseif view then
    when_safe()
  end
end

---@param item agor.AskItem
---@param option string?
---@param opts table?
local function answer(item, option, opts)
  local ok, err = require('agor').answer(item.session_id, item.request_id, option, opts)
  if not ok then
    require('agor.message').error(err or 'The answer could not be given')
    return
  end
  take_away(item)
  waiting.answered(item)
end

--- Does what an action of the item says.
---@param item agor.AskItem
---@param action agor.AskAction?
local function perform(item, action)
  if not action or not place_of(item) then
    return
  end
  if action.open then
    item.opened = require('agor.ui.page').open(action.open) or item.opened
    if not action.answer then
      return
    end
  end
  if action.answer then
    answer(item, action.option, action.answer)
  elseif action.input then
    asking = true
    local function done(text)
      asking = false
      -- What was typed would stand there until the next message.
      api.nvim_echo({ { '' } }, false, {})
      if not place_of(item) then
        return
      end
      if view and api.nvim_win_is_valid(view.win) and not focused() then
        api.nvim_set_current_win(view.win)
      end
      if text then
        perform(item, action.input(text))
      end
    end
    if action.secret then
      local ok, text = pcall(vim.fn.inputsecret, action.prompt or '')
      -- Not even in the messages that <Esc> and :messages show.
      vim.cmd.redraw()
      done(ok and text ~= '' and text or nil)
    else
      require('agor.pick').line({ prompt = action.prompt, default = action.default }, done)
    end
  elseif action.edit then
    require('agor.ui.ask_plan').open(item, function(option, opts)
      if place_of(item) then
        answer(item, option, opts)
        return true
      end
      return false
    end)
    item.postponed = true
    draw()
  else
    if action.changed then
      guard()
    end
    if action.weigh then
      require('agor.ui.ask_grant').weigh(item, shown, draw)
    end
    draw()
  end
end

---@param run fun(item: agor.AskItem): agor.AskAction?
local function guarded(run)
  return function()
    local item = shown()
    if not item or not focused() or M.now() < guard_until then
      return
    end
    perform(item, run(item))
  end
end

local function postpone()
  local item = shown()
  if item then
    item.postponed = true
    close()
    when_safe()
  end
end

--- The cursor into the question before or after this one; none of them is answered by that.
---@param step integer
local function skip(step)
  local item = shown()
  local other = item and waiting.beside(item, step)
  if not other then
    return
  end
  other.postponed = false
  view = require('agor.ui.ask_view').draw(view, other, assert(place_of(other)), #queue, true)
  guard()
end

--- What leaves the question in it does not put it off.
---@param run fun()
local function beside(run)
  asking = true
  xpcall(run, require('agor.message').error)
  asking = false
  -- The hints say where its keys are.
  vim.schedule(draw)
end

---@param how 'whole'|'file'
---@return fun()
local function reading(how)
  return function()
    local item = shown()
    if item and view then
      require('agor.ui.ask_read')[how](item, beside, function()
        return shown() == item and focused()
      end)
    end
  end
end

---@return agor.Key[]
local function keys()
  return require('agor.ui.ask_keys').list({
    guarded = guarded,
    postpone = postpone,
    skip = skip,
    whole = reading('whole'),
    file = reading('file'),
    several = function()
      return #queue > 1
    end,
    item = shown,
    scroll = function(key)
      if view then
        require('agor.ui.ask_view').scroll(view, key)
      end
    end,
    help = function()
      beside(function()
        require('agor.ui.help').open(view.buf)
      end)
    end,
  })
end

--- Keys and autocommands of the float's buffer.
---@param buf integer
function M.bind(buf)
  if vim.b[buf].agor_bound then
    return
  end
  vim.b[buf].agor_bound = true
  require('agor.ui.keys').attach(buf, keys())
  api.nvim_create_autocmd('WinEnter', {
    buffer = buf,
    callback = function()
      if not asking then
        guard()
        local last = vim.fn.win_getid(vim.fn.winnr('#'))
        came_from = last ~= 0 and view and last ~= view.win and last or came_from
      end
      -- The hints differ.
      vim.schedule(draw)
    end,
  })
  api.nvim_create_autocmd('WinClosed', {
    buffer = buf,
    callback = function(event)
      -- By the user: when we close it ourselves, it is no view any more.
      local item = shown()
      if item and view and tonumber(event.match) == view.win then
        item.postponed = true
        vim.schedule(function()
          if shown() == item then
            close()
            when_safe()
          end
        end)
      end
    end,
  })
  api.nvim_create_autocmd('WinLeave', {
    buffer = buf,
    callback = function()
      local item = shown()
      if asking or not item then
        return
      end
      vim.schedule(function()
        if shown() == item and not focused() and not asking then
          item.postponed = true
          close()
          when_safe()
        end
      end)
    end,
  })
end

-- ------------------------------------------------------------------ what others call

--- A permission request has come in.
---@param data table see doc/wire.md
function M.on_permission(data)
  add(require('agor.ui.ask_item').permission(data))
end

--- The colours of the code that a permission request shows are there.
---@param data { session_id: string, request_id: string, rows: integer, marks: any[] }
function M.on_coloured(data)
  local item = find(data.session_id, data.request_id)
  if not item then
    return
  end
  local function below(mark)
    return mark[1] >= data.rows
  end
  item.marks = vim.list_extend(vim.tbl_filter(below, item.marks), data.marks)
  if view and view.item == item then
    require('agor.ui.ask_view').recolour(view)
  end
end

--- An agent's own questions have come in.
---@param data table see doc/wire.md
function M.on_question(data)
  add(require('agor.ui.ask_item').question(data))
end

--- A request is settled, by whomever.
---@param data { session_id: string, request_id: string }
function M.on_closed(data)
  waiting.taken_back(data)
  local item = find(data.session_id, data.request_id)
  if item then
    take_away(item)
  end
end

--- The backend would not take an answer: the question is open still.
---@param data { session_id: string, request_id: string }
function M.on_refused(data)
  local item = waiting.taken_back(data)
  if item and not find(data.session_id, data.request_id) then
    table.insert(queue, 1, item)
    require('agor.notify').changed()
    when_safe()
  end
end

---@param item agor.AskItem
local function enter(item)
  item.postponed, item.granting = false, nil
  if api.nvim_get_mode().mode:find('^[iR]') then
    vim.cmd.stopinsert()
  end
  local current = api.nvim_get_current_win()
  drop_unusable()
  if not view or view.item ~= item then
    view = require('agor.ui.ask_view').draw(view, item, place_of(item) or 1, #queue, true)
    if not view then
      return false
    end
    M.bind(view.buf)
  end
  if current ~= view.win then
    came_from = current
    api.nvim_set_current_win(view.win)
  end
  guard()
  return true
end

--- `:Agor permit [n]`: the cursor into the oldest open question, or its option `n` as the answer. Without a question, what
--- has finished unseen is shown.
---@param n integer?
---@return boolean ok
---@return string? message
function M.focus(n)
  local item = queue[1]
  if not item and not n then
    local shown_turn, failed = require('agor.notify').show_oldest()
    if shown_turn == false then
      require('agor.message').info('nothing waits for you')
    end
    return shown_turn ~= nil, failed
  elseif not item then
    return false, 'No question is open'
  end
  if vim.fn.getcmdwintype() ~= '' then
    return false, 'Close the command-line window first: no other window can open beside it'
  end
  if not n then
    return enter(item)
  end
  local items = require('agor.ui.ask_item')
  -- The number is one of the agent's own options.
  item.granting = nil
  local count = items.count(item)
  if n < 1 or n > count then
    return false, ('This question has the options 1 to %d'):format(count)
  end
  perform(item, items.choose(item, n))
  return true
end

--- The cursor into one question, from its place in the transcript.
---@param session_id string
---@param request_id string
---@return boolean found
function M.focus_request(session_id, request_id)
  local item = find(session_id, request_id)
  return item ~= nil and enter(item)
end

--- Those that wait, the oldest first.
---@return agor.AskItem[]
function M.items()
  return queue
end

--- How many questions wait.
---@return integer
function M.count()
  return #queue
end

api.nvim_create_autocmd({ 'VimResized', 'TabEnter', 'WinResized' }, {
  group = api.nvim_create_augroup('agor_ask', { clear = true }),
  callback = vim.schedule_wrap(function()
    if view then
      when_safe()
    end
  end),
})

if require('agor.state').ui.ask.view then
  require('agor.ui.ask_view').close_old()
  vim.schedule(when_safe)
end

return M
