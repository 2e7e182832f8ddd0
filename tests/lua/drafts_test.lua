-- Drafts and the history on disk, where other Neovims read and write them too.

local nvim = require('support.nvim')
local test, equal = nvim.test, nvim.equal

local T = {}

---@param child agor.test.Nvim
---@return string
local function folder(child)
  return child.home .. '/data/nvim/agor/prompts'
end

---@param child agor.test.Nvim
---@param lines string[]
local function save(child, lines)
  child:lua([[require('agor.ui.drafts').save('s', { lines = ..., attachments = {} })]], lines)
end

---@param child agor.test.Nvim
---@return string[]
local function history(child)
  return child:get([[require('agor.ui.drafts').history()]])
end

T['what another Neovim has put into a draft is in the history when ours takes its place'] = test(
  nil,
  function(child)
    local path = folder(child) .. '/s.json'
    save(child, { 'ours' })
    save(child, { 'ours', 'longer' })
    equal(history(child), {})
    child:write(path, '{"lines": ["theirs", "", "too"], "attachments": {}}')
    save(child, { 'ours again' })
    equal(history(child), { 'theirs\n\ntoo' })
    equal(child:get([[require('agor.ui.drafts').load('s').lines]]), { 'ours again' })
    child:write(path, '{"lines": ["once more"], "attachments": {}}')
    save(child, { '' })
    equal(history(child), { 'theirs\n\ntoo', 'once more' })
    equal(vim.uv.fs_stat(path), nil)
    -- One that was read here before it is changed is ours.
    child:write(path, '{"lines": ["handed over"], "attachments": {}}')
    child:lua([[require('agor.ui.drafts').load('s')]])
    save(child, { 'handed over and changed' })
    equal(#history(child), 2)
    -- What is no draft is no text.
    child:write(path, 'garbage')
    save(child, { 'ours' })
    equal(#history(child), 2)
    local names = {}
    for name in vim.fs.dir(folder(child)) do
      table.insert(names, name)
    end
    table.sort(names)
    equal(names, { 'history.ndjson', 's.json' })
  end
)

T['a long history is put aside, with what others are adding to it'] = test(nil, function(child)
  local path = folder(child) .. '/history.ndjson'
  local lines = {}
  for i = 1, 600 do
    lines[i] = vim.json.encode({ text = 'prompt ' .. i })
  end
  child:write(path, table.concat(lines, '\n') .. '\n')
  -- Another Neovim is about to add a line.
  local other = assert(io.open(path, 'a'))
  equal(#history(child), 600)
  equal(vim.uv.fs_stat(path), nil)
  other:write('{"text": "theirs"}\n')
  other:close()
  child:lua([[require('agor.ui.drafts').remember('ours', '/')]])
  local all = history(child)
  equal({ all[1], all[601], all[602], #all }, { 'prompt 1', 'theirs', 'ours', 602 })
  child:lua([[for i = 1, 500 do require('agor.ui.drafts').remember('new ' .. i, '/') end]])
  equal(#history(child), 1102)
  -- The next Neovim finds it too long again.
  child:lua([[package.loaded['agor.ui.drafts'] = nil]])
  equal(#history(child), 1102)
  child:lua([[require('agor.ui.drafts').remember('last', '/')]])
  child:lua([[package.loaded['agor.ui.drafts'] = nil]])
  all = history(child)
  equal({ all[1], all[#all], #all }, { 'ours', 'last', 502 })
end)

return T
