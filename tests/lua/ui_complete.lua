-- What `@` and `#` complete in a prompt, in Neovim's own menu.

local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks

local T = {}

local LINES = 'vim.api.nvim_buf_get_lines(vim.fn.bufnr("^agor://s1/prompt$"), 0, -1, false)'
local MENU =
  'vim.tbl_map(function(item) return item.word end, vim.fn.complete_info({ "items" }).items)'
local SHOWN = 'vim.fn.pumvisible() == 1'

local function open(nvim, fields)
  nvim:lua('T.session("s1", ...) require("agor.ui.prompt").focus("s1")', fields or vim.empty_dict())
  -- A backend that knows five paths, and finds whatever has the letters in it.
  nvim:lua([[
    T.paths = { 'src/main.rs', 'src/domain/', 'README.md', 'a b.txt', 'my dir/' }
    T.results_of.find_files = function(params)
      local found = vim.tbl_filter(function(path)
        return path:lower():find(vim.pesc(params.word:lower())) ~= nil
      end, T.paths)
      return { paths = found, total = #found, more = T.more == true }
    end
  ]])
  nvim:settle()
end

T['an @ opens the files of the project, and typing narrows them'] = test(nil, function(nvim)
  open(nvim, { cwd = '/project' })
  nvim:type('see @')
  nvim:wait(SHOWN)
  equal(nvim:get(MENU), { '@src/main.rs', '@src/domain/', '@README.md', '@"a b.txt"', '@"my dir/' })
  equal(nvim:get('vim.fn.complete_info({ "selected" }).selected'), -1)
  contains(nvim:screen(), 'src/domain/')
  nvim:type('ma')
  nvim:wait(('vim.deep_equal(%s, { "@src/main.rs", "@src/domain/" })'):format(MENU))
  equal(nvim:get(LINES), { 'see @ma' })
  nvim:type('<C-n><C-y>')
  equal(nvim:get(LINES), { 'see @src/main.rs ' })
  nvim:type('and @read')
  nvim:wait(SHOWN)
  nvim:type('<Tab> too<C-s>')
  equal(nvim:get('T.sent[1].text'), 'see @src/main.rs and @README.md too')
  local asked = nvim:get('T.told("find_files")')
  equal({ asked[1].directory, asked[1].word }, { '/project', '' })
end)

T['Tab that comes before the menu takes the first when it is there'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('see @ma<Tab>')
  nvim:wait(('%s[1] == "see @src/main.rs"'):format(LINES))
  nvim:type('<Tab>')
  equal(nvim:get(LINES), { 'see @src/domain/' })
  nvim:type(' #di<C-e><Tab>')
  equal(nvim:get(LINES), { 'see @src/domain/ #diagnostics' })
  nvim:type('<C-u>@none<Tab>x')
  equal(nvim:get(LINES), { '@nonex' })
end)

T['names with spaces are quoted, and a directory leads to what is in it'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('@a b')
  equal(nvim:get(SHOWN), false)
  nvim:type('<C-u>@"a b')
  nvim:wait(SHOWN)
  nvim:type('<C-n><C-y>x')
  equal(nvim:get(LINES), { '@"a b.txt" x' })
  nvim:type('<C-u>@my')
  nvim:wait(SHOWN)
  nvim:lua([[T.paths = { 'my dir/', 'my dir/in it.txt' }]])
  nvim:type('<C-n><C-y>')
  nvim:wait(('vim.list_contains(%s, [[@"my dir/in it.txt"]])'):format(MENU))
  equal(nvim:get(LINES), { '@"my dir/' })
  nvim:type('<C-n><C-n><C-y>')
  equal(nvim:get(LINES), { '@"my dir/in it.txt" ' })
end)

T['nothing selected: Enter is a new line, and typing goes on'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('@src')
  nvim:wait(SHOWN)
  nvim:type('<CR>@')
  nvim:wait(SHOWN)
  nvim:type('nobody said so')
  equal(nvim:get(SHOWN), false)
  equal(nvim:get(LINES), { '@src', '@nobody said so' })
end)

T['inside words and where there is more of the word nothing opens'] = test(nil, function(nvim)
  open(nvim)
  for _, keys in ipairs({ 'me@home', 'x#y', '#123', '# Title', '##', 'a/b', '#include <lt>x>' }) do
    nvim:type('<C-u>' .. keys)
    equal(nvim:get(SHOWN), false, keys)
  end
  nvim:type('<C-u>word<Home>@')
  equal(nvim:get(SHOWN), false)
  equal(nvim:get('T.told("find_files")'), {})
end)

T['a menu that was closed stays closed for the same word'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('@s')
  nvim:wait(SHOWN)
  nvim:type('<C-e>r')
  equal({ nvim:get(SHOWN), nvim:get(LINES) }, { false, { '@sr' } })
  nvim:type(' @s')
  nvim:wait(SHOWN)
end)

T['a late answer opens nothing, and more is asked for while there is more'] = test(
  nil,
  function(nvim)
    open(nvim)
    nvim:lua([[
      T.held = {}
      local notify = package.loaded['agor.rpc'].notify
      package.loaded['agor.rpc'].notify = function(method, params, callback)
        if method ~= 'find_files' then
          return notify(method, params, callback)
        end
        T.held[#T.held + 1] = callback
        return true
      end
    ]])
    nvim:type('@s')
    nvim:type('<BS><BS>done')
    nvim:lua('T.held[1](nil, { paths = { "src/" }, total = 1, more = false })')
    equal(nvim:get(SHOWN), false)
    nvim:type(' @s')
    nvim:lua('T.held[2](nil, { paths = { "src/" }, total = 1, more = true })')
    nvim:settle()
    equal(nvim:get(MENU), { '@src/' })
    nvim:lua('T.held[3](nil, { paths = { "src/", "tests/" }, total = 2, more = true })')
    nvim:settle()
    equal(nvim:get(MENU), { '@src/', '@tests/' })
    -- What is selected is the user's: the menu is not changed under it.
    nvim:type('<C-n>')
    nvim:lua('T.held[4](nil, { paths = { "other/" }, total = 1, more = true })')
    nvim:settle()
    equal({ nvim:get(MENU), nvim:get(LINES) }, { { '@src/', '@tests/' }, { 'done @src/' } })
    equal(nvim:get('#T.held'), 4, 'and nothing more is asked for')
  end
)

T['open files are named first, the one last used foremost'] = test(nil, function(nvim)
  vim.fn.mkdir(nvim.home .. '/p/src', 'p')
  for _, name in ipairs({ 'p/one.rs', 'p/src/two.rs', 'outside.rs' }) do
    vim.fn.writefile({ 'x' }, nvim.home .. '/' .. name)
    nvim:cmd('edit ' .. nvim.home .. '/' .. name)
    nvim:lua('vim.wait(1)')
  end
  open(nvim, { cwd = nvim.home .. '/p' })
  nvim:type('@')
  local recent = nvim:get('T.told("find_files")[1].recent')
  table.sort(recent)
  equal(recent, { 'one.rs', 'src/two.rs' })
end)

T['a # offers context, anywhere after white space'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('why #d')
  equal(nvim:get(MENU), { '#diagnostics', '#diff' })
  contains(nvim:screen(), 'errors and warnings')
  nvim:type('<C-n><C-n><C-y>fail<CR>#')
  equal(nvim:get(LINES), { 'why #diff fail', '#' })
  equal(#nvim:get(MENU), 7)
  nvim:type('<C-e>')
  lacks(nvim:screen(), 'errors and')
  nvim:type('<C-u>@ma')
  nvim:wait(SHOWN)
  contains(nvim:get('vim.bo.completeopt'), 'fuzzy')
  nvim:type('<C-e>')
  lacks(nvim:get('vim.bo.completeopt'), 'fuzzy')
end)

T['of a path that is too long the end is shown, and the whole is inserted'] = test(
  { columns = 60, lines = 20 },
  function(nvim)
    open(nvim)
    local path = ('long/'):rep(20) .. 'name.rs'
    nvim:lua('T.paths = { ... }', path)
    nvim:type('see @na')
    nvim:wait(SHOWN)
    contains(nvim:screen(), '…')
    contains(nvim:screen(), 'long/name.rs')
    nvim:type('<C-n><C-y>')
    equal(nvim:get(LINES), { 'see @' .. path .. ' ' })
  end
)

T['C-x C-o looks again at the disk'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('@ma<C-e>')
  nvim:type('<C-x><C-o>')
  nvim:wait(SHOWN)
  equal(nvim:get('#vim.tbl_filter(function(p) return p.again end, T.told("find_files"))'), 1)
  nvim:type('<C-n><C-y>')
  equal(nvim:get(LINES), { '@src/main.rs ' })
end)

T['Tab is a Tab without a menu, and the user’s own mapping where there is one'] = test(
  nil,
  function(nvim)
    open(nvim)
    nvim:type('a<Tab>b')
    equal(nvim:get(LINES), { 'a\tb' })
    nvim:lua('vim.keymap.set("i", "<Tab>", "mine") T.session("s2")')
    nvim:lua('require("agor.ui.prompt").focus("s2")')
    nvim:type('<Tab>')
    equal(nvim:get('vim.api.nvim_get_current_line()'), 'mine')
  end
)

return T
