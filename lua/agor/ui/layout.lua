--- Sizes of the windows that are not ours: remembered before we open or close one of our own, and given back in
--- proportion afterwards. Neovim takes the room for a full-height split from one neighbour, and with 'equalalways' makes
--- all windows equal when one closes.
---
--- Knows the layout tree of a tabpage and nothing of panes.

local api = vim.api

local M = {}

---@class agor.Frame
---@field kind 'leaf'|'row'|'col'
---@field win integer?
---@field children agor.Frame[]?
---@field width integer outer: with one column for a separator
---@field height integer outer: with one row for a status line
---@field fixed_width boolean
---@field fixed_height boolean

local function every(list, field)
  for _, item in ipairs(list) do
    if not item[field] then
      return false
    end
  end
  return true
end

local function any(list, field)
  for _, item in ipairs(list) do
    if item[field] then
      return true
    end
  end
  return false
end

-- Fills in the sizes of a frame from its children, which are measured already.
local function sum(frame)
  local width, height = 0, 0
  for _, child in ipairs(frame.children) do
    if frame.kind == 'row' then
      width, height = width + child.width, math.max(height, child.height)
    else
      width, height = math.max(width, child.width), height + child.height
    end
  end
  frame.width, frame.height = width, height
  local children, row = frame.children, frame.kind == 'row'
  frame.fixed_width = row and every(children, 'fixed_width')
    or not row and any(children, 'fixed_width')
  frame.fixed_height = row and any(children, 'fixed_height')
    or not row and every(children, 'fixed_height')
  return frame
end

---@param node any of winlayout()
---@param ours table<integer, boolean>
---@return agor.Frame?
local function measure(node, ours)
  if node[1] == 'leaf' then
    local win = node[2]
    if ours[win] or not api.nvim_win_is_valid(win) then
      return nil
    end
    ---@type agor.Frame
    local leaf = {
      kind = 'leaf',
      win = win,
      width = api.nvim_win_get_width(win) + 1,
      height = api.nvim_win_get_height(win) + 1,
      fixed_width = vim.wo[win].winfixwidth,
      fixed_height = vim.wo[win].winfixheight,
    }
    return leaf
  end
  local children = {}
  for _, child in ipairs(node[2]) do
    children[#children + 1] = measure(child, ours)
  end
  if #children == 0 then
    return nil
  elseif #children == 1 then
    return children[1]
  end
  return sum({ kind = node[1], children = children })
end

--- The frames of this tabpage without our own windows.
---@param ours table<integer, boolean>
---@return agor.Frame?
function M.snapshot(ours)
  return measure(vim.fn.winlayout(), ours)
end

--- The same frames without windows that are gone, with the sizes they have now.
---@param frame agor.Frame
---@return agor.Frame? now
---@return agor.Frame? before pruned the same way
local function remeasure(frame)
  if frame.kind == 'leaf' then
    local now = measure({ 'leaf', frame.win }, {})
    return now, now and frame
  end
  local now, before = {}, {}
  for _, child in ipairs(frame.children or {}) do
    local n, b = remeasure(child)
    now[#now + 1] = n
    before[#before + 1] = b
  end
  if #now == 0 then
    return nil
  elseif #now == 1 then
    return now[1], before[1]
  end
  return sum({ kind = frame.kind, children = now }), sum({ kind = frame.kind, children = before })
end

-- Shares `total` out in proportion to what the children had; fixed ones keep theirs as long as something is left.
---@return integer[]
local function share(children, dimension, fixed, total)
  local loose, kept = 0, 0
  for _, child in ipairs(children) do
    if child[fixed] then
      kept = kept + child[dimension]
    else
      loose = loose + child[dimension]
    end
  end
  local keep = loose > 0 and total - kept >= 2 * #children
  local base = keep and loose or loose + kept
  local room = keep and total - kept or total
  local out, seen, given = {}, 0, 0
  for i, child in ipairs(children) do
    if keep and child[fixed] then
      out[i] = child[dimension]
    else
      seen = seen + child[dimension]
      local upto = math.floor(room * seen / base + 0.5)
      out[i] = math.max(2, upto - given)
      given = given + out[i]
    end
  end
  return out
end

---@param frame agor.Frame
---@param width integer
---@param height integer
---@param out table[]
local function plan(frame, width, height, out)
  if frame.kind == 'leaf' then
    out[#out + 1] = { win = frame.win, width = width - 1, height = height - 1 }
    return
  end
  local row = frame.kind == 'row'
  local children = frame.children or {}
  local sizes = row and share(children, 'width', 'fixed_width', width)
    or share(children, 'height', 'fixed_height', height)
  for i, child in ipairs(children) do
    plan(child, row and sizes[i] or width, row and height or sizes[i], out)
  end
end

local function apply(targets)
  -- Twice, as winrestcmd() does: what a window gets depends on its neighbours.
  for _ = 1, 2 do
    for _, target in ipairs(targets) do
      if target.width and api.nvim_win_get_width(target.win) ~= target.width then
        api.nvim_win_set_width(target.win, target.width)
      end
      if target.height and api.nvim_win_get_height(target.win) ~= target.height then
        api.nvim_win_set_height(target.win, target.height)
      end
    end
  end
end

---@class agor.Sizes
---@field columns integer
---@field lines integer
---@field before agor.Frame
---@field after table<integer, integer[]>

--- Gives the windows of a snapshot the proportions that they had in it, within the room that they have together now.
--- `own` are windows of ours with the sizes that they have to keep.
---@param before agor.Frame?
---@param own { win: integer, width: integer?, height: integer? }[]
---@return agor.Sizes? for `undo`
function M.rescale(before, own)
  local kept = {}
  for _, item in ipairs(own) do
    kept[#kept + 1] = { win = item.win, width = item.width, height = item.height }
  end
  apply(kept)
  if not before then
    return nil
  end
  local now, pruned = remeasure(before)
  if not now or not pruned then
    return nil
  end
  local targets = {}
  plan(pruned, now.width, now.height, targets)
  apply(vim.list_extend(vim.list_slice(targets), kept))
  local after = {}
  for _, target in ipairs(targets) do
    local win = target.win
    after[win] = { api.nvim_win_get_width(win), api.nvim_win_get_height(win) }
  end
  return { columns = vim.o.columns, lines = vim.o.lines, before = before, after = after }
end

local function leaves(frame, out)
  if frame.kind == 'leaf' then
    out[#out + 1] = frame
  else
    for _, child in ipairs(frame.children) do
      leaves(child, out)
    end
  end
  return out
end

--- True if nothing but us has changed sizes since `rescale`: then closing can give back the exact sizes of before,
--- and opening and closing a hundred times does not drift.
---@param sizes agor.Sizes?
---@param now agor.Frame? the snapshot just before closing
---@return boolean
function M.untouched(sizes, now)
  if not sizes or not now then
    return false
  end
  if sizes.columns ~= vim.o.columns or sizes.lines ~= vim.o.lines then
    return false
  end
  local count = 0
  for _, leaf in ipairs(leaves(now, {})) do
    local size = sizes.after[leaf.win]
    if not size or size[1] ~= leaf.width - 1 or size[2] ~= leaf.height - 1 then
      return false
    end
    count = count + 1
  end
  return count == vim.tbl_count(sizes.after)
end

return M
