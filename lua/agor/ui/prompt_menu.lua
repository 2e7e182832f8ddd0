--- The popup menu of a prompt: after `@`, `#` and a `/` in the first column. It opens by itself, selects nothing by itself,
--- and typing goes on as if it were not there.
---
--- Knows Neovim's own menu and the cursor; what there is to choose from is in `completion.lua`. Where another plugin or
--- 'autocomplete' opens menus in this buffer, it opens none.

local api = vim.api

local M = {}

local completion = require('agor.completion')

--- Choices as Neovim's menu takes them, cut to what there is room for beside the longest: Neovim leaves the menu where it
--- begins and cuts it without a sign.
---@param choices agor.CompletionChoice[]
---@param col integer where the menu begins in its window, in cells
---@return table[] complete-items
local function items_of(choices, col)
  local cells = require('agor.ui.cells')
  local more = require('agor.ui.icons').get().more
  local win = api.nvim_win_get_position(0)[2]
  local room = vim.o.columns - win - col - 3
  local longest = 0
  for _, choice in ipairs(choices) do
    longest = math.max(longest, cells.width(choice.abbr or choice.word))
  end
  return vim.tbl_map(function(choice)
    local about = choice.about
      and cells.shorten(
        cells.clean(choice.about),
        math.min(math.max(room - longest - 1, 10), 80),
        more
      )
    -- Of a path the end says more.
    local abbr = choice.abbr and cells.tail(choice.abbr, math.max(room, 15)) or nil
    return {
      word = choice.word,
      abbr = abbr,
      menu = about,
      info = '',
      user_data = choice.open and 'agor_open' or 'agor',
    }
  end, choices)
end

-- ------------------------------------------------------------------ what was settled

-- 'completeopt': nothing is selected by itself.
local PLAIN = 'menu,menuone,noselect'

-- More lines than that would hide what the agent has just said.
local HIGHEST = 12

--- The line when the user has closed the menu or chosen from it: for more of the same word it is not opened again.
---@type table<integer, { col: integer, line: string }|nil>
local settled = {}

---@class agor.Menu
---@field kind agor.CompletionKind
---@field pumheight integer the user's
---@field items table[]
---@field before string what stood before the cursor

---@type agor.Menu|nil while it is open
local shown

--- Our menu takes the place of our menu.
local replacing = false

--- What stood before the cursor when the first choice was asked for, until it is there.
---@type string|nil
local taking

---@param buf integer
---@param found agor.Trigger
local function closed(buf, found)
  local menu = shown
  if replacing or not menu then
    return
  end
  vim.o.pumheight = menu.pumheight
  vim.bo[buf].completeopt = PLAIN
  shown = nil
  -- "discard" is what typing on does.
  local reason, item = vim.v.event.reason, vim.v.completed_item
  local chosen = type(item) == 'table' and item.user_data or nil
  if reason == 'accept' and chosen == 'agor_open' then
    -- What is in the directory comes next.
    return vim.schedule(function()
      M.update(buf)
    end)
  end
  if reason == 'accept' and chosen and (menu.kind == 'file' or menu.kind == 'context') then
    local cursor = api.nvim_win_get_cursor(0)
    local row, col = cursor[1], cursor[2]
    if not api.nvim_get_current_line():sub(col + 1, col + 1):match('%s') then
      api.nvim_buf_set_text(buf, row - 1, col, row - 1, col, { ' ' })
      api.nvim_win_set_cursor(0, { row, col + 1 })
    end
  end
  if reason == 'accept' or reason == 'cancel' then
    local line = api.nvim_get_current_line():sub(1, api.nvim_win_get_cursor(0)[2])
    settled[buf] = { col = found.col, line = line }
    require('agor.completion.files').forget()
  end
end

---@param buf integer
---@param found agor.Trigger
---@param choices agor.CompletionChoice[]
local function open(buf, found, choices)
  -- 'pumheight' is global: it is ours only while the menu is open.
  local height = shown and shown.pumheight or vim.o.pumheight
  if height == 0 or height > HIGHEST then
    vim.o.pumheight = HIGHEST
  end
  -- What the backend has matched is neither matched nor sorted again, until its next answer is there.
  vim.bo[buf].completeopt = completion.is_late(found) and PLAIN .. ',fuzzy,nosort' or PLAIN
  local before = api.nvim_get_current_line():sub(1, found.col)
  local items = items_of(choices, vim.fn.strdisplaywidth(before))
  if shown and vim.fn.pumvisible() == 1 and vim.deep_equal(shown.items, items) then
    return
  end
  replacing = true
  local ok = pcall(vim.fn.complete, found.col + 1, items)
  replacing = false
  shown = {
    kind = found.kind,
    pumheight = height,
    items = items,
    before = api.nvim_get_current_line():sub(1, api.nvim_win_get_cursor(0)[2]),
  }
  if not ok then
    -- Text is locked: the next key tries again.
    vim.o.pumheight, shown = height, nil
    return
  end
  api.nvim_create_autocmd('CompleteDone', {
    group = api.nvim_create_augroup('agor_menu', { clear = true }),
    callback = function()
      closed(buf, found)
    end,
  })
end

-- ------------------------------------------------------------------ while typing

---@param buf integer
---@return boolean
local function is_typing(buf)
  return api.nvim_get_current_buf() == buf and api.nvim_get_mode().mode:match('^i') ~= nil
end

--- Something in the menu is selected: it stands in the text, and is the user's.
---@return boolean
local function is_chosen()
  return vim.fn.pumvisible() == 1 and vim.fn.complete_info({ 'selected' }).selected ~= -1
end

--- Whether somebody else's menu is open, or ours with what needs no new answer.
---@param found agor.Trigger
---@return boolean
local function is_taken(found)
  if vim.fn.pumvisible() == 0 then
    return false
  end
  return not (shown and shown.kind == found.kind and completion.is_late(found)) or is_chosen()
end

--- Whether the menu that is open is the answer to this very text: Neovim tells of the menu's own opening as of a change.
---@param before string
---@return boolean
local function is_answered(before)
  return vim.fn.pumvisible() == 1 and shown ~= nil and shown.before == before
end

---@param buf integer
---@return agor.Trigger|nil
---@return string before the cursor
local function trigger_at(buf)
  local cursor = api.nvim_win_get_cursor(0)
  local line = api.nvim_get_current_line()
  local first = require('agor.ui.prompt').first_row(buf)
  local before = line:sub(1, cursor[2])
  if cursor[1] < first then
    return nil, before
  end
  return completion.trigger(buf, line, cursor[2], cursor[1] == first), before
end

--- After a key in insert mode: opens the menu if a word that can be completed is being typed.
---@param buf integer
function M.update(buf)
  if not is_typing(buf) then
    return
  end
  local found, before = trigger_at(buf)
  local done = settled[buf]
  if done and not (found and done.col == found.col and vim.startswith(before, done.line)) then
    settled[buf], done = nil, nil
  end
  if not found or found.kind == 'shell' then
    return require('agor.completion.files').forget()
  end
  if done or is_taken(found) or is_answered(before) or taking == before then
    return
  end
  taking = nil
  if require('agor.completion.engines').active(buf) then
    return
  end
  completion.choices(buf, found, before, function(choices)
    -- The answer may come when the user is elsewhere already.
    local now, line = trigger_at(buf)
    if not is_typing(buf) or not now or line ~= before or is_taken(found) then
      return false
    end
    -- What is typed whole needs no menu.
    local whole = #choices == 1 and choices[1].word == found.lead
    if #choices > 0 and not whole then
      open(buf, found, choices)
    end
  end)
end

--- What the agent offers may have changed: a menu of it that is open, and in which nothing is chosen, shows what there is now.
---@param buf integer
function M.refresh(buf)
  if not shown or shown.kind == 'file' or not is_typing(buf) or vim.fn.pumvisible() == 0 then
    return
  end
  local found, before = trigger_at(buf)
  if not found or found.kind ~= shown.kind or is_chosen() then
    return
  end
  completion.choices(buf, found, before, function(choices)
    if #choices > 0 then
      open(buf, found, choices)
    end
    return false
  end)
end

--- Selects the first choice of the word before the cursor, as soon as it is there: for who is faster than the menu.
---@param buf integer
---@return boolean whether there is such a word
function M.take_first(buf)
  local found, before = trigger_at(buf)
  if not found or found.kind == 'shell' or require('agor.completion.engines').active(buf) then
    return false
  end
  -- Neovim tells of the last letter only after this key.
  taking = before
  completion.choices(buf, found, before, function(choices, more)
    local now, line = trigger_at(buf)
    if taking ~= before or not is_typing(buf) or not now or line ~= before or is_chosen() then
      return false
    end
    taking = more and before or nil
    if #choices > 0 then
      open(buf, found, choices)
      api.nvim_feedkeys(vim.keycode('<C-n>'), 'in', false)
      return false
    end
    return more
  end)
  return true
end

--- 'omnifunc' of prompts: what is known at once is given at once, files open the menu when they are there.
---@param findstart integer
---@param base string
---@return integer|table[]
function M.omnifunc(findstart, base)
  local buf = api.nvim_get_current_buf()
  local found, before = trigger_at(buf)
  if findstart == 1 then
    if not found then
      return -3
    elseif not completion.is_late(found) then
      return found.col
    end
    completion.choices(buf, found, before, function(choices)
      local now, line = trigger_at(buf)
      if not is_typing(buf) or not now or line ~= before or is_chosen() then
        return false
      elseif #choices > 0 then
        open(buf, found, choices)
      end
    end, true)
    return -2
  end
  -- Neovim has taken the word away by now, but not for 'complete': what stands before it says the rest.
  if base ~= '' and not (found and found.lead == base) then
    local cursor = api.nvim_win_get_cursor(0)
    before = api.nvim_get_current_line():sub(1, cursor[2]) .. base
    local first = cursor[1] == require('agor.ui.prompt').first_row(buf)
    found = completion.trigger(buf, before, #before, first)
  end
  local items = {}
  if found and not completion.is_late(found) then
    completion.choices(buf, found, before, function(choices)
      items = items_of(choices, found.col)
    end)
  end
  return items
end

--- Makes a prompt's buffer complete by `<C-x><C-o>` too.
---@param buf integer
function M.prepare(buf)
  vim.bo[buf].omnifunc = "v:lua.require'agor.ui.prompt_menu'.omnifunc"
  vim.bo[buf].completeopt = PLAIN
end

---@param buf integer
function M.forget(buf)
  settled[buf] = nil
end

return M
