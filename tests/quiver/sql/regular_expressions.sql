-- Regular expressions: what is matched, longest or shortest, and divided among the groups; options; errors.
select v, p, regexp_match(v,p), regexp_replace(v,p,'<\1|\2|\&>','g'), regexp_split_to_array(v,p), regexp_substr(v,p), regexp_instr(v,p,1,1,1), regexp_count(v,p), v ~ p, v ~* p, v !~ p from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v, (values ('a|ab'), ('a|ab|abc'), ('(x|xy)(z|yz)'), ('(a*)(ab)*(b*)'), ('a*(ab)?'), ('(a+|ab)(c|bcd)(d*)'), ('(a|ab)(bcd|c)(d*)'), ('(.*)-(.*)'), ('(.*?)-(.*)'), ('(.*)-(.*?)'), ('(a*?)(a*)'), ('(a*)(a*?)'), ('(?:a|b)*?c'), ('([a-z]+)([0-9]*)'), ('([a-z]*?)([0-9]+)')) q(p)
select v, p, regexp_match(v,p), regexp_replace(v,p,'<\1|\2|\&>','g'), regexp_split_to_array(v,p), regexp_substr(v,p), regexp_instr(v,p,1,1,1), regexp_count(v,p), v ~ p, v ~* p, v !~ p from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v, (values ('(\w+)@(\w+)'), ('((a)|(b))*'), ('((a|b)*)(b)'), ('(a(b)?)+'), ('(a|(b))+c?'), ('(ab|a)(b?)'), ('x*'), ('x*?'), ('(x*)(x+)'), ('(x*?)(x+)'), ('^(.*)(b+)$'), ('^(.*?)(b+)$'), ('(a{1,3})(a{1,3})'), ('(a{1,3}?)(a*)'), ('(a{2})(a*)')) q(p)
select v, p, regexp_match(v,p), regexp_replace(v,p,'<\1|\2|\&>','g'), regexp_split_to_array(v,p), regexp_substr(v,p), regexp_instr(v,p,1,1,1), regexp_count(v,p), v ~ p, v ~* p, v !~ p from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v, (values ('()(a*)'), ('(|a)+'), ('(a|)+'), ('a??b'), ('(a??)(b?)'), ('(?=a)(\w+)'), ('(\w+)(?!b)'), ('(?<=a)b+'), ('(?<!a)b+'), ('\m\w+'), ('\w+\M'), ('\y(\w)'), ('[^a-c]+'), ('[[:alpha:]]+|[[:digit:]]+'), ('(\d+|[a-z]+)+')) q(p)
select v, p, regexp_match(v,p), regexp_replace(v,p,'<\1|\2|\&>','g'), regexp_split_to_array(v,p), regexp_substr(v,p), regexp_instr(v,p,1,1,1), regexp_count(v,p), v ~ p, v ~* p, v !~ p from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v, (values ('(foo|foobar)(bar)?'), ('z*|a'), ('(a|ab|abc)(c|cd)?$'), ('(.)(.)(.)?'), ('(a.*c)|(b.*)'), ('(?:(a)|b)(?:(c)|d)?'), ('(a+)(b*)(a*?)(b)'), ('((a+)(b+))+'), ('(a*)*'), ('(a*)+'), ('(a?){2}'), ('((a?)b?)+'), ('((a)(b)?){2,}?')) q(p)
select v, v ~ 'a|ab', v ~* 'a|ab', regexp_replace(v,'a|ab','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '(a*)(ab)*(b*)', v ~* '(a*)(ab)*(b*)', regexp_replace(v,'(a*)(ab)*(b*)','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '(a|ab)(bcd|c)(d*)', v ~* '(a|ab)(bcd|c)(d*)', regexp_replace(v,'(a|ab)(bcd|c)(d*)','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '(.*)-(.*?)', v ~* '(.*)-(.*?)', regexp_replace(v,'(.*)-(.*?)','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '(?:a|b)*?c', v ~* '(?:a|b)*?c', regexp_replace(v,'(?:a|b)*?c','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '(\w+)@(\w+)', v ~* '(\w+)@(\w+)', regexp_replace(v,'(\w+)@(\w+)','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '(a(b)?)+', v ~* '(a(b)?)+', regexp_replace(v,'(a(b)?)+','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ 'x*', v ~* 'x*', regexp_replace(v,'x*','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '(x*?)(x+)', v ~* '(x*?)(x+)', regexp_replace(v,'(x*?)(x+)','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '(a{1,3})(a{1,3})', v ~* '(a{1,3})(a{1,3})', regexp_replace(v,'(a{1,3})(a{1,3})','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '()(a*)', v ~* '()(a*)', regexp_replace(v,'()(a*)','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ 'a??b', v ~* 'a??b', regexp_replace(v,'a??b','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '(\w+)(?!b)', v ~* '(\w+)(?!b)', regexp_replace(v,'(\w+)(?!b)','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '\m\w+', v ~* '\m\w+', regexp_replace(v,'\m\w+','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '[^a-c]+', v ~* '[^a-c]+', regexp_replace(v,'[^a-c]+','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '(foo|foobar)(bar)?', v ~* '(foo|foobar)(bar)?', regexp_replace(v,'(foo|foobar)(bar)?','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '(.)(.)(.)?', v ~* '(.)(.)(.)?', regexp_replace(v,'(.)(.)(.)?','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '(a+)(b*)(a*?)(b)', v ~* '(a+)(b*)(a*?)(b)', regexp_replace(v,'(a+)(b*)(a*?)(b)','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '(a*)+', v ~* '(a*)+', regexp_replace(v,'(a*)+','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select v, v ~ '((a)(b)?){2,}?', v ~* '((a)(b)?){2,}?', regexp_replace(v,'((a)(b)?){2,}?','-','g') from unnest(array['','a','ab','abc','abcd','aab','aabb','xyz','xxyzyz','foo-bar-baz','a-b-c','foobarbar','abab','aaaa','bbb','abcabc','a1b2c3','user@host.org','xxxx','ba','cab','bcd','áb é','foo12bar']) v
select regexp_instr('abcabc','b',3), regexp_instr('abcabc','b',1,2), regexp_instr('abcabc','b',1,2,1), regexp_instr('ABCABC','b',1,2,0,'i'), regexp_instr('abcabc','(a)(b)',1,2,0,'',2), regexp_instr('abc','x'), regexp_instr('abc','a',10), regexp_instr('abc','(a)|(b)',1,1,0,'',2), regexp_instr('abc','a',1,1,0,'',5)
select regexp_instr('abc','b',0)
select regexp_instr('abc','b',1,0)
select regexp_instr('abc','b',1,1,2)
select regexp_instr('abc','b',1,1,0,'',-1)
select regexp_instr('abc','b',1,1,0,'g')
select regexp_substr('abcabc','b.',1,2), regexp_substr('ABCABC','b.',1,2,'i'), regexp_substr('abcabc','(a)(b)',1,2,'',2), regexp_substr('abc','x'), regexp_substr('abc','',4), regexp_substr('abc','',5)
select regexp_substr('abc','b',1,1,'g')
select regexp_substr('abc','b',1,1,'z')
select regexp_replace('abcabc','b','X',4), regexp_replace('abcabc','b','X',1,2), regexp_replace('abcabc','b','X',1,0), regexp_replace('ABCABC','b','X',1,0,'i'), regexp_replace('abc','B','x','gi'), regexp_replace('abc','','-','g'), regexp_replace('abc','b*','-','g'), regexp_replace('abcabc','b','X',1,3), regexp_replace('abc','b','X',10), regexp_replace('abc','(b)','\2\1\\\&'), regexp_replace('abcabc','b','X',1,1,'g'), regexp_replace('aab','a','x',2)
select regexp_replace('abc','b','X',0)
select regexp_replace('abc','b','X',1,-1)
select regexp_replace('abc','b','X','1')
select regexp_replace('abc','b','X','z')
select regexp_match('abc','b','g')
select regexp_split_to_array('abc','b','g')
select regexp_split_to_table('abc','b','g')
select regexp_count('abc','b',1,'g')
select regexp_like('abc','b','g')
select regexp_count('abcABC','b',1,'i'), regexp_count('abcabc','b',3), regexp_count('abc','',1), regexp_count('abc','x*'), regexp_count('abc','b',10)
select regexp_count('abc','b',0)
select regexp_matches(E'a1\nb2','^(\w)(\d)$','gn'), 1
select regexp_matches('abc123def456','([a-z]+)([0-9]+)','g')
select regexp_matches('abc','x'), 1
select regexp_match(E'a\nb','a.b'), regexp_match(E'a\nb','a.b','n'), regexp_match(E'a\nb','a.b','p'), regexp_match(E'a\nb','^b','w'), regexp_match(E'a\nb','^b','s'), regexp_match('a.b','a.b','q'), regexp_match('axb','a.b','q'), regexp_match('ab','a b','x'), regexp_match('AB','ab','ic'), regexp_match('AB','ab','ci'), regexp_match(E'a\nb','a[^x]b','n'), regexp_match(E'a\nb','a\Wb','n'), regexp_match('ab',E'a # c\n b','x')
select regexp_match('abab','(ab)\1'), regexp_replace('hello','(.)\1','<\1>','g'), 'abcabc' ~ '^(.+)\1$', regexp_replace('the the cat','\m(\w+) \1\M','\1')
select substring('foobar','o(.)b'), substring('foobar' from 'o..'), substring('foobar','(f)(x)?'), substring('foobar','z'), substring('abc','(x)?b')
select 'abc' ~ '(?z)abc'
select 'abc' ~ '***x'
select 'abc' ~ '[[:foo:]]'
select 'abc' ~ 'a)'
select 'abc' ~ '(?abc)'
select 'abc' ~ 'a{2,1}'
select 'abc' ~ '\q'
select 'abc' ~ '[\q]'
select 'abc' ~ '^*'
select 'abc' ~ 'a*+'
select 'abc' ~ 'a+?', 'abc' ~ 'a{1}?', '{' ~ '{', 'a{b' ~ 'a{b', 'a{' ~ 'a{', '}' ~ '}', ']' ~ ']'
select 'abc' ~ '[b-a]'
select 'abc' ~ '[a'
select 'abc' ~ '[]'
select 'abc' ~ '[^]'
select t, t ~ '\w', t ~ '[[:alpha:]]', t ~* 'é', t ~ '\s', t ~ '\d', t ~ '^\w+$', t ~ '[[:upper:]]', t ~ '[^a-z]', t ~* '[à-ý]', t ~ '[[:punct:]]', regexp_replace(t,'\W','_','g') from (values ('é'),('É'),('a'),('٣'),(E'\u00a0'),('中文 字'),('€5'),(E'\u2003'),('ß'),('_'),(null)) v(t)
select v, v ~ p, v !~* p from (values ('abc','b'),('abc','^c'),('É','é'),(null,'a'),('a',null)) t(v,p)
select 'é' ~ '\w', 'É' ~* 'é', 'é' ~ '[[:alpha:]]', 'é' ~ '^[[:alnum:]]+$', '٣' ~ '\d', E'\u00a0' ~ '\s', 'é' ~ '[[:upper:]]', 'É' ~ '[[:upper:]]', '٣' ~ '[[:digit:]]', 'É' ~ '^\W$', '_' ~ '[[:alnum:]]', '²' ~ '\w', 'ⅷ' ~ '\w', '中' ~ '\w', 'ß' ~ '[[:lower:]]', '!' ~ '[[:punct:]]', '€' ~ '[[:punct:]]', E'\u2003' ~ '\s', '÷' ~ '[[:punct:]]', '$' ~ '[[:punct:]]'
select t ~ '\w', t ~ '[[:alpha:]]', t ~* 'é', t ~ '\s', t ~ '\d', t ~ '^\w+$' from (values ('é'),('É'),('a'),('٣'),(E'\u00a0')) v(t)
select 'ab' ~ 'a\b', 'a\b' ~ 'a\Bb', E'a\b' ~ 'a\b', E'a\nb' ~ '(?n)a.b', E'a\nb' ~ '(?m)^b', E'a\nb' ~ '(?s)a.b', E'a\nb' ~ '(?w)^b', E'a\nb' ~ '(?p)a.b', 'AB' ~ '(?i)ab', 'a b' ~ '(?x)a b', 'ab' ~ '(?x)a b', 'a.b' ~ '(?q)a.b', 'axb' ~ '(?q)a.b', 'a.b' ~ '***=a.b', 'axb' ~ '***:a.b', 'AB' ~ '***:(?i)ab'
select regexp_replace('abcd','a|ab','X')
select regexp_match('abcd','a|ab|abc'), regexp_match('xyz','(x|xy)(z|yz)')
select regexp_matches('abab','a|ab','g')
select regexp_split_to_table('axxb','x|xx')
select 'x' ~ '[[]', 'a]' ~ '[]a]+$', 'ab' ~ '[[:alpha:][:digit:]]', '-' ~ '[a\-z]', 'b' ~ '[a\-z]', 'x' ~ '[^]]', ']' ~ '[^]]', 'a' ~ '[[.a.]]', 'a' ~ '[[=a=]]'
select 'a\nb' ~ '^a$', E'a\nb' ~ 'a$', E'a\n' ~ 'a$', 'ab$' ~ 'b\$', 'a$b' ~ 'a[$]b', 'foo' ~ '\mfoo\M', 'foobar' ~ 'foo\M', 'foo bar' ~ '\ybar', 'aa' ~ '(a)\1', 'ab' ~ '(a)\1'
select 'x' ~ 'a{1', 'a{,2}' ~ 'a{,2}'
select 'x' ~ 'a{2,1}'
select 'x' ~ 'a**'
select 'x' ~ '(a'
select 'x' ~ '[a'
select 'x' ~ 'a\'
select 'x' ~ '*a'
select 'x' ~ '\5'
select 'x' ~ '[z-a]'
select 'a' ~ 'a{256}'
select 'aaa' ~ 'a{3}', 'abc' ~ 'a(?=b)', 'abc' ~ 'a(?!b)', 'abc' ~ '(?<=a)b', 'abc' ~ '(?<!a)b', 'A' ~ '\x41', 'A' ~ '\u0041', 'a' ~ '\a', E'\t' ~ '\t', 'é' ~ '\u00e9', '' ~ '', 'a' ~ '', 'a' ~ '()', 'a' ~ 'a||b'
-- refused: regular expression option "b" is not supported
select 'abc' ~ '(?b)abc'
